"""The stream tickets that Heron's pages bring along, issued as they do it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from django.http import HttpRequest


def issue(asked: Sequence[tuple[int, str, str]]) -> list[str]:
    """Give a ticket for each user, session and job."""
    from django.contrib.auth.models import User

    from apps.core.live.channels import job_channel
    from apps.core.live.ticket import ticket_for

    def asking(user_id: int, session: str) -> HttpRequest:
        seen = SimpleNamespace(user=User(pk=user_id), session=SimpleNamespace(session_key=session))
        return cast("HttpRequest", seen)

    return [
        ticket_for(asking(user_id, session), [job_channel(job_id)])
        for user_id, session, job_id in asked
    ]
