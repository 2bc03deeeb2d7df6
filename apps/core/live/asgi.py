"""The ASGI wrapper that holds event streams without Django.

    application = LiveStreams(get_asgi_application())  # or Pages(), see pages.py

A stream's request goes through Django like any other: middleware, session, permissions. The view
answers "hold this" and the request ends, so that its thread and its database connection are free;
the stream is held here. A page's ticket spares even that request. Without the wrapper the view
streams by itself: it works, and takes about three times the memory.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings
from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django_eventstream.utils import get_cors_from_settings

from apps.core.conf import conf
from apps.core.live import interpreter, ticket
from apps.core.live.caps import TOO_MANY_OF_USER, Refusal, open_streams
from apps.core.live.desk import Desk, headers_of
from apps.core.live.event import Message, parse_resume_id
from apps.core.live.hub import current_hub
from apps.core.live.permit import Permit
from apps.core.live.reader import Send
from apps.core.live.serving import serve

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
#: Loosely typed: each framework has its own idea of a message's type.
Application = Callable[..., Awaitable[None]]

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
        self._desk: Desk | None = None

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
        interpreter.tune()  # for servers that are run without the lifespan protocol
        permit = self._on_ticket(scope)
        if permit is None:
            if open_streams.total >= conf.STREAMS_TOTAL:
                # Django must not be kept busy by those who can't be let in anyhow.
                await refuse(open_streams.refusal("", "") or TOO_MANY_OF_USER, send)
                return
            permit = await self._through_django(scope, receive, send)
            if permit is None:
                return
        with open_streams.counted(permit.pass_.user_id, address_of(scope)) as refusal:
            if refusal is not None:
                await refuse(refusal, send)
                return
            stream = serve(
                permit.pass_,
                permit.resume,
                send,
                partial(gone, receive),
                start={"type": "http.response.start", "status": 200, "headers": permit.headers},
                is_checked=permit.is_checked,
            )
            # What is held for hours holds as little as it can.
            del permit
            await stream

    def _on_ticket(self, scope: Scope) -> Permit | None:
        query = scope["query_string"]
        if b"ticket=" not in query or get_cors_from_settings():
            return None  # whose answer needs headers that depend on the request
        asked = fields_of(query)
        found = {name: value.decode("latin-1") for name, value in scope["headers"] if name in USED}
        channels = asked.get("channel", [])
        if len(channels) > conf.STREAM_CHANNELS:
            return None
        pass_ = ticket.check(asked.get("ticket", ()), channels, found.get(b"cookie", ""))
        if pass_ is None:
            return None
        last = found.get(b"last-event-id") or asked.get("lastEventId", [""])[-1]
        return Permit(pass_, parse_resume_id(last), HEADERS, is_checked=False)

    async def _through_django(self, scope: Scope, receive: Receive, send: Send) -> Permit | None:
        """Let Django decide; None when it has answered something else than a stream."""
        if self._desk is None:
            self._desk = Desk()
        leaving = asyncio.ensure_future(gone(receive))
        try:
            answer = await self._desk.ask(scope, leaving.done)
        finally:
            leaving.cancel()
        if answer is None:
            return None
        if not isinstance(answer, HttpResponse):
            return answer
        body = answer.content
        headers = [*headers_of(answer), (b"content-length", b"%d" % len(body))]
        await send(
            {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        )
        await send({"type": "http.response.body", "body": body})
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        """Answer the lifespan protocol, which Django doesn't know."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                interpreter.tune()
                await send({"type": "lifespan.startup.complete"})
            else:
                await current_hub().close()
                await send({"type": "lifespan.shutdown.complete"})
                return


USED = (b"cookie", b"last-event-id")


def fields_of(query: bytes) -> dict[str, list[str]]:
    """Read a query string, as `urllib.parse.parse_qs` does and several times faster."""
    fields: dict[str, list[str]] = {}
    for part in query.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if value:
            fields.setdefault(name, []).append(unquote_plus(value))
    return fields


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
