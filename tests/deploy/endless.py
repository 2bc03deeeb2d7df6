"""An ASGI application whose answer never ends; it begins with the number of the process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import heron.asgi


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer as an event stream does: at once, and for ever."""
    if scope["type"] == "lifespan":
        await heron.asgi.application(scope, receive, send)
        return
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    body = f"{os.getpid()}\n".encode()
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await asyncio.Event().wait()
