"""Requests for pages: each in one thread from end to end, and threads that are kept."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from pytest_django import Settings

from apps.core.live.pages import Pages

HURRY_SECONDS = 20.0

#: Which thread did what: in the middleware on the way in, in the view, on the way out.
seen: list[str] = []
release = threading.Event()


def _here() -> str:
    return threading.current_thread().name


def watching(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Note the thread before and after the view."""

    def middleware(request: HttpRequest) -> HttpResponse:
        seen.append(_here())
        response = get_response(request)
        seen.append(_here())
        return response

    return middleware


def plain(request: HttpRequest) -> HttpResponse:
    seen.append(_here())
    return HttpResponse(request.body)


def waiting(request: HttpRequest) -> HttpResponse:
    release.wait(HURRY_SECONDS)
    return HttpResponse(_here())


def failing(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


async def asynchronous(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("later")


def streaming_later(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        for n in range(3):
            await asyncio.sleep(0)
            yield b"%d\n" % n

    return StreamingHttpResponse(parts())


urlpatterns = [
    path("plain/", plain),
    path("waiting/", waiting),
    path("failing/", failing),
    path("asynchronous/", asynchronous),
    path("streaming-later/", streaming_later),
]


@pytest.fixture(autouse=True)
def site(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.watching", "django.middleware.common.CommonMiddleware"]
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.PROGRESS_PAGE_THREADS = 2
    seen.clear()
    release.clear()


class Request:
    """One request, as a server sends it."""

    def __init__(self, where: str, body: bytes = b"", *, whole: bool = True) -> None:
        self.status = 0
        self.text = b""
        self.gone = asyncio.Event()
        self._where = where
        self._messages = [{"type": "http.request", "body": body, "more_body": not whole}]

    async def through(self, pages: Pages) -> Request:
        scope = {
            "type": "http",
            "method": "POST",
            "path": self._where,
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
        }
        await pages(scope, self._receive, self._send)
        return self

    async def _receive(self) -> dict[str, Any]:
        if self._messages:
            return self._messages.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"")


def run(scenario: Callable[[Pages], Awaitable[None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(HURRY_SECONDS):
            await scenario(Pages())

    asyncio.run(within())


async def until(ready: Callable[[], bool]) -> None:
    while not ready():
        await asyncio.sleep(0.01)


def test_a_request_stays_in_one_thread_which_the_next_one_finds_again() -> None:
    async def scenario(pages: Pages) -> None:
        answers = [await Request("/plain/", b"%d" % n).through(pages) for n in range(3)]

        assert [answer.text for answer in answers] == [b"0", b"1", b"2"]
        assert len(seen) == 9
        assert len(set(seen)) == 1

    run(scenario)


def test_requests_beyond_the_threads_wait_for_their_turn() -> None:
    async def scenario(pages: Pages) -> None:
        asked = [asyncio.create_task(Request("/waiting/").through(pages)) for _ in range(5)]
        await until(lambda: len(seen) == 2)
        await asyncio.sleep(0.05)
        assert len(seen) == 2

        release.set()
        answers = [await each for each in asked]

        assert [answer.status for answer in answers] == [200] * 5
        assert len({answer.text for answer in answers}) == 2

    run(scenario)


def test_an_upload_that_is_not_over_takes_no_thread() -> None:
    async def scenario(pages: Pages) -> None:
        slow = [Request("/plain/", b"half", whole=False) for _ in range(3)]
        uploads = [asyncio.create_task(each.through(pages)) for each in slow]
        await asyncio.sleep(0)

        assert (await Request("/plain/", b"quick").through(pages)).text == b"quick"

        for each in slow:
            each.gone.set()
        await asyncio.gather(*uploads)
        # Half an upload never reaches a view.
        assert [each.status for each in slow] == [0, 0, 0]
        assert len(seen) == 3

    run(scenario)


def test_who_leaves_or_fails_gives_the_thread_back() -> None:
    async def scenario(pages: Pages) -> None:
        leaving = [Request("/waiting/") for _ in range(2)]
        left = [asyncio.create_task(each.through(pages)) for each in leaving]
        await until(lambda: len(seen) == 2)
        for each in leaving:
            each.gone.set()
        time.sleep(0.01)
        release.set()
        await asyncio.gather(*left)
        failed = [await Request("/failing/").through(pages) for _ in range(3)]

        assert [each.status for each in failed] == [500] * 3
        assert (await Request("/plain/", b"still").through(pages)).text == b"still"

    run(scenario)


@pytest.mark.parametrize(
    ("where", "text"),
    [("/asynchronous/", b"later"), ("/streaming-later/", b"0\n1\n2\n")],
)
def test_asynchronous_views_answer_too(where: str, text: bytes) -> None:
    async def scenario(pages: Pages) -> None:
        answer = await Request(where).through(pages)

        assert (answer.status, answer.text) == (200, text)

    run(scenario)
