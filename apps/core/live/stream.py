"""The same stream as a Django response, for projects that don't mount the ASGI wrapper."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import connections

from apps.core.live.caps import open_streams
from apps.core.live.event import Message
from apps.core.live.rights import Pass
from apps.core.live.serving import Resume, serve


async def stream(pass_: Pass, resume: Resume, address: str) -> AsyncIterator[bytes]:
    """Yield frames until the reader leaves or the stream ends."""
    with open_streams.counted(pass_.user_id, address) as refusal:
        if refusal is not None:
            return  # another one was quicker; the view has let both in
        await release_thread()
        # One message at a time: a client that doesn't read makes the sender wait, as a socket does.
        messages: asyncio.Queue[Message] = asyncio.Queue(1)
        gone = asyncio.Event()
        holder = asyncio.create_task(serve(pass_, resume, messages.put, gone.wait))
        try:
            more = True
            while more:
                message = await messages.get()
                more = message["more_body"]
                yield message["body"]
        finally:
            gone.set()
            holder.cancel()


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
