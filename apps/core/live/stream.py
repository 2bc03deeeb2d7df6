"""One response that lasts: the bytes that a browser's EventSource reads."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import connections

from apps.core.conf import conf
from apps.core.live.hub import Reader, current_hub, open_streams

#: Padding first: some proxies and browsers hold back the first two kilobytes.
PADDING = ":" + " " * 2048 + "\n\n"
OPEN = "event: stream-open\ndata:\n\n"
KEEP_ALIVE = b"event: keep-alive\ndata:\n\n"
#: How long a stream waits for Valkey before it opens all the same; the page reads snapshots.
OPEN_ANYWAY_SECONDS = 2.0


async def stream(channels: set[str], user_id: object) -> AsyncIterator[bytes]:
    """Yield frames until the reader leaves or its rights are due to be checked again."""
    hub = current_hub()
    reader = Reader(channels)
    hub.join(reader)
    open_streams.opened(user_id)
    try:
        await release_thread()
        # Only once events arrive: the page reads its snapshot after stream-open, so that nothing
        # can fall between the two.
        await hub.ready(OPEN_ANYWAY_SECONDS)
        yield opening()
        clock = asyncio.get_running_loop().time
        ends_at = clock() + conf.STREAM_MAX_SECONDS
        while (left := ends_at - clock()) > 0:
            frames = await reader.take(min(conf.KEEP_ALIVE_SECONDS, left))
            yield KEEP_ALIVE if frames is None else frames
    finally:
        open_streams.closed(user_id)
        hub.leave(reader)


def opening() -> bytes:
    """Give a stream's first bytes, with a jittered `retry:` so that readers spread out."""
    retry_ms = random.randint(1500, 4000)  # noqa: S311 (jitter, no secret)
    return f"{PADDING}retry: {retry_ms}\n\n{OPEN}".encode()


async def release_thread() -> None:
    """Give back the thread and the database connections that the request still holds.

    Django keeps one thread per request until its response ends, with its connections: a hundred
    open streams would use up PostgreSQL's connections and every page would answer 500. Dropping
    the request's executor is what asgiref does itself when the request ends; should sync code run
    later in this request, asgiref makes a new one.
    """
    await sync_to_async(_close_connections)()
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is not None:
        executor = SyncToAsync.context_to_thread_executor.pop(context, None)
        if executor is not None:
            executor.shutdown(wait=False)


def _close_connections() -> None:
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
