"""The least that an ASGI app can do for event streams: no Django, no rights, nothing kept.

One subscriber, and a queue for each connection.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any
from urllib.parse import parse_qs

from redis.asyncio import Redis

TOPIC = "bare"
OPENING = (":" + " " * 2048 + "\n\nevent: stream-open\ndata:\n\n").encode()
KEEP_ALIVE = b"event: keep-alive\ndata:\n\n"
HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]

queues: dict[str, set[asyncio.Queue[bytes]]] = {}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve a stream for as long as its reader stays."""
    if scope["type"] == "lifespan":
        return await live(receive, send)
    channel = parse_qs(scope["query_string"].decode())["channel"][0]
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    queues.setdefault(channel, set()).add(queue)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": OPENING, "more_body": True})
    pump = asyncio.create_task(write(queue, send))
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        pump.cancel()
        queues[channel].discard(queue)


async def write(queue: asyncio.Queue[bytes], send: Any) -> None:
    """Write what is put into the queue."""
    while True:
        await send({"type": "http.response.body", "body": await queue.get(), "more_body": True})


async def listen() -> None:
    """Put each event into the queues of its channel, written once for all of them."""
    async with Redis.from_url(os.environ["REDIS_URL"]) as client, client.pubsub() as pubsub:
        await pubsub.subscribe(TOPIC)
        async for message in pubsub.listen():
            if message["type"] == "message":
                channel, _, data = message["data"].partition(b"\n")
                frame = b"event: progress\ndata: " + data + b"\n\n"
                for queue in queues.get(channel.decode(), ()):
                    queue.put_nowait(frame)


async def keep_alive() -> None:
    """Break the silence now and then."""
    while True:
        await asyncio.sleep(20)
        for readers in queues.values():
            for queue in readers:
                queue.put_nowait(KEEP_ALIVE)


async def live(receive: Any, send: Any) -> None:
    """Listen from the server's start to its end."""
    await receive()
    tasks = [asyncio.create_task(listen()), asyncio.create_task(keep_alive())]
    await send({"type": "lifespan.startup.complete"})
    await receive()
    for task in tasks:
        task.cancel()
    await send({"type": "lifespan.shutdown.complete"})
