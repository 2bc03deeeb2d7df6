"""Django's ASGI application on threads that are kept.

    application = LiveStreams(Pages())

Django's own takes a new thread for each request, and so a new database connection, and changes
threads twice for every middleware: more than half of what a short answer costs. Here a request runs
from the first middleware to the last in one of a few threads, whose connections last as long as
CONN_MAX_AGE says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import IO, Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.conf import conf

#: The request's body, which has been read before the request got a thread.
_body: ContextVar[IO[bytes]] = ContextVar("body")


class Pages(ASGIHandler):
    """Serves everything but streams; requests beyond PAGE_THREADS wait for their turn."""

    def __init__(self) -> None:
        super().__init__()
        # In one go, as under WSGI.
        self.load_middleware(is_async=False)
        count = int(conf.PAGE_THREADS)
        self._turns = asyncio.Semaphore(count)
        self._free = [
            ThreadPoolExecutor(1, thread_name_prefix=f"heron-page-{n}") for n in range(count)
        ]

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        try:
            # Before it takes a thread: a slow upload must not keep others waiting.
            body = await super().read_body(receive)
        except RequestAborted:
            return
        _body.set(body)
        async with self._thread() as thread, ThreadSensitiveContext(executor=thread):
            await self.handle(scope, receive, send)

    async def read_body(self, receive: Any) -> IO[bytes]:
        """Give the body."""
        return _body.get()

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Run the request through all middleware and its view in its thread."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)

    @asynccontextmanager
    async def _thread(self) -> AsyncIterator[ThreadPoolExecutor]:
        async with self._turns:
            # The one that was used last: its connection is open.
            thread = self._free.pop()
            try:
                yield thread
            finally:
                self._free.append(thread)
