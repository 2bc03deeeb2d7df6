"""Where Django looks at requests for streams: a few threads that are kept.

Django's own ASGI handler takes a new thread, and so a new database connection, for each request,
and changes threads twice for every middleware: ten times what the middleware itself costs. Here the
same middleware and the same view run in one go, as under WSGI, on a connection that is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from django.core import signals
from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from apps.core.live.permit import PERMIT, Holding, Permit

#: Requests for streams that are looked at together, each with a database connection. More would
#: not be faster, and after a restart thousands ask at once.
DESKS = 2

Scope = dict[str, Any]


class Desk(BaseHandler):
    """Runs a request through Django, from the first middleware to the last."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(DESKS, thread_name_prefix="heron-desk")
        self._free = asyncio.Semaphore(DESKS)

    async def ask(self, scope: Scope, has_left: Callable[[], bool]) -> Permit | HttpResponse | None:
        """Give leave to open a stream, or the answer that Django has for the client instead.

        None for a client that has left meanwhile: after a restart the queue is long, and who has
        lost patience and asks again must not be looked at twice.
        """
        async with self._free:
            if has_left():
                return None
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._ask, scope)

    def _ask(self, scope: Scope) -> Permit | HttpResponse:
        holding = Holding()
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        response = self.get_response(ASGIRequest({**scope, PERMIT: holding}, BytesIO()))
        try:
            if holding.pass_ is not None and response.status_code == 200:
                return Permit(holding.pass_, holding.resume, headers_of(response), True)
            return _whole(response)
        finally:
            response.close()  # which sends request_finished


def headers_of(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    """Write a response's headers and cookies as ASGI wants them, without the length of its body."""
    headers = [
        (name.encode("ascii"), value.encode("latin1"))
        for name, value in response.items()
        if name.lower() != "content-length"
    ]
    cookies = (cookie.OutputString().encode("ascii") for cookie in response.cookies.values())
    return headers + [(b"set-cookie", cookie) for cookie in cookies]


def _whole(response: HttpResponseBase) -> HttpResponse:
    if isinstance(response, HttpResponse):
        return response
    whole = HttpResponse(b"".join(response), status=response.status_code)
    whole.headers, whole.cookies = response.headers, response.cookies
    return whole
