"""Where a page's stream begins: asked before the row is read, so that nothing falls between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.http import HttpRequest
from redis.exceptions import RedisError

from apps.core.live import history
from apps.core.live.breaker import breaker
from apps.core.live.channels import job_channel
from apps.core.live.event import resume_id
from apps.core.live.ticket import ticket_for
from apps.core.live.valkey import client, is_configured
from apps.core.models import SSEProgress
from apps.core.snapshot import snapshot_for_reader

Answer = TypeVar("Answer")


def place(channels: Sequence[str]) -> str:
    """Give the resume id of channels as they are now; empty while Valkey can't be asked."""
    return resume_id(_asked(lambda: history.newest_ids(client(), channels)) or {})


def beginning() -> int | None:
    """Give the place of channels of which nobody has told anything; None when it can't be asked."""
    return _asked(lambda: history.beginning(client()))


def _asked(question: Callable[[], Answer]) -> Answer | None:
    if not is_configured():
        return None
    try:
        with breaker.trying():
            return question()
    except (RedisError, OSError):
        return None


def stream_start(request: HttpRequest, channels: Sequence[str], at: str) -> dict[str, Any]:
    """Describe how to open the stream of channels that this reader may read, from `at` on."""
    return {"channels": list(channels), "id": at, "ticket": ticket_for(request, channels)}


def first_state(request: HttpRequest, job: SSEProgress, at: int | None) -> dict[str, Any]:
    """Describe a job for the answer to the request that has just started it.

    Its bar is there at once, and opens its stream by ticket: from the channel's `beginning` on,
    which was asked before the row was written.
    """
    channel = job_channel(job.job_id)
    start = stream_start(request, [channel], "" if at is None else resume_id({channel: at}))
    return {**snapshot_for_reader(job), "stream": start}
