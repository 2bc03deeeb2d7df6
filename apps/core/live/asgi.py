"""The ASGI wrapper that holds event streams without Django.

    application = LiveStreams(get_asgi_application())

A stream's request goes through Django like any other: middleware, session, permissions. The view
answers "hold this" and the request ends, so that its thread and its database connection are free;
the stream is held here. A page's ticket spares even that request. Without the wrapper the view
streams by itself: it works, and takes about three times the memory.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any
from urllib.parse import parse_qs

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import translation

from apps.core.conf import conf
from apps.core.live import collector, ticket
from apps.core.live.caps import TOO_MANY_OF_USER, Refusal, open_streams
from apps.core.live.event import Message, parse_resume_id
from apps.core.live.hub import current_hub
from apps.core.live.permit import PERMIT, Holding, Permit
from apps.core.live.reader import Send
from apps.core.live.serving import serve

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Requests for streams that Django handles at once, each in a thread with a database connection.
#: More would not be faster, and after a restart thousands ask together.
CHECKED_AT_ONCE = 2

HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class LiveStreams:
    """Wraps Django's ASGI application."""

    def __init__(self, django: Application) -> None:
        self._django = django
        self._path: str | None = None
        self._desks: dict[asyncio.AbstractEventLoop, Desks] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and scope["method"] == "GET" and self._is_stream(scope):
            await self._stream(scope, receive, send)
        else:
            await self._django(scope, receive, send)

    def _is_stream(self, scope: Scope) -> bool:
        if self._path is None:
            try:
                self._path = reverse("core:events")
            except NoReverseMatch:
                self._path = ""
        path: str = scope["path"]
        return bool(self._path) and path.endswith(self._path)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        permit = self._on_ticket(scope)
        if permit is None:
            if open_streams.total >= conf.STREAMS_TOTAL:
                # Django must not be kept busy by those who can't be let in anyhow.
                await refuse(open_streams.refusal("", "") or TOO_MANY_OF_USER, send)
                return
            permit = await self._through_django(scope, send)
            if permit is None:
                return
        pass_, resume, headers, is_checked = permit
        with open_streams.counted(pass_.user_id, address_of(scope)) as refusal:
            if refusal is not None:
                await refuse(refusal, send)
                return
            start = {"type": "http.response.start", "status": 200, "headers": headers}
            del permit, headers
            await serve(
                pass_,
                resume,
                send,
                lambda: gone(receive),
                start=start,
                is_checked=is_checked,
            )

    def _on_ticket(self, scope: Scope) -> Permit | None:
        query = scope["query_string"]
        if b"ticket=" not in query or getattr(settings, "EVENTSTREAM_ALLOW_ORIGIN", None):
            return None
        asked = parse_qs(query.decode("latin-1"))
        found = {name: value.decode("latin-1") for name, value in scope["headers"] if name in USED}
        channels = asked.get("channel", [])
        if len(channels) > conf.STREAM_CHANNELS:
            return None
        pass_ = ticket.check(asked["ticket"], channels, found.get(b"cookie", ""))
        if pass_ is None:
            return None
        last = found.get(b"last-event-id") or asked.get("lastEventId", [""])[-1]
        return Permit(pass_, parse_resume_id(last), HEADERS, is_checked=False)

    async def _through_django(self, scope: Scope, send: Send) -> Permit | None:
        """Let Django decide; None when it has answered something else than a stream."""
        loop = asyncio.get_running_loop()
        desks = self._desks.get(loop)
        if desks is None:
            desks = self._desks[loop] = Desks()
        holding = Holding()
        asking = {**scope, PERMIT: holding}
        # In a task of its own: what Django leaves in the context goes with it.
        answer = await loop.create_task(desks.ask(self._django, asking))
        start = answer[0]
        if start["status"] == 200 and holding.pass_ is not None:
            headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
            return Permit(holding.pass_, holding.resume, headers, is_checked=True)
        for message in answer:
            await send(message)
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        """Answer the lifespan protocol, which Django doesn't know."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                collector.tune()
                await send({"type": "lifespan.startup.complete"})
            else:
                await current_hub().close()
                await send({"type": "lifespan.shutdown.complete"})
                return


USED = (b"cookie", b"last-event-id")


class Desks:
    """The threads in which Django looks at requests for streams: few, and kept.

    Django takes a new thread, and so a new database connection, for each request.
    """

    def __init__(self) -> None:
        self._free: asyncio.Queue[ThreadPoolExecutor] = asyncio.Queue()
        for n in range(CHECKED_AT_ONCE):
            self._free.put_nowait(ThreadPoolExecutor(1, thread_name_prefix=f"heron-desk-{n}"))

    async def ask(self, django: Application, scope: Scope) -> Sequence[Message]:
        """Run a request to its end; give what Django has answered."""
        answer: list[Message] = []
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            answer.append(message)

        executor = await self._free.get()
        try:
            async with _context(executor):
                await django(scope, receive, send)
        finally:
            self._free.put_nowait(executor)
        return answer


def _context(executor: ThreadPoolExecutor) -> AbstractAsyncContextManager[Any]:
    try:
        return ThreadSensitiveContext(executor=executor)
    except TypeError:  # asgiref before 3.13: Django takes a thread of its own
        return nullcontext()


def address_of(scope: Scope) -> str:
    """Give the client's address, as the server tells it.

    uvicorn takes it from X-Forwarded-For only when the connection comes from a proxy that
    FORWARDED_ALLOW_IPS names; no header is read here.
    """
    client = scope.get("client")
    return str(client[0]) if client and client[0] else ""


async def gone(receive: Receive) -> None:
    """Return when the client has gone, or the stream has ended."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def refuse(refusal: Refusal, send: Send) -> None:
    """Answer as the view would, in the site's language."""
    with translation.override(settings.LANGUAGE_CODE):
        body = json.dumps({"error": str(refusal.message)}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"retry-after", b"%d" % refusal.retry_after),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
