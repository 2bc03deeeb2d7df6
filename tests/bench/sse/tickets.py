"""The stream tickets that Heron's pages bring along, issued as they do it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

MODULE = "apps.core.live.ticket"


def are_known() -> bool:
    """Say whether this Heron has tickets at all."""
    return find_spec(MODULE) is not None


def issue(asked: Sequence[tuple[int, str, str]]) -> list[str]:
    """Give a ticket for each user, session and job."""
    from django.contrib.auth.models import User

    from apps.core.live.channels import job_channel

    ticket_for = import_module(MODULE).ticket_for
    return [
        ticket_for(
            SimpleNamespace(user=User(pk=user_id), session=SimpleNamespace(session_key=session)),
            [job_channel(job_id)],
        )
        for user_id, session, job_id in asked
    ]
