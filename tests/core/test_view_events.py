"""GET /core/events/: who may open a stream. What a stream carries is in tests/core/live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from apps.core.live.asgi import LiveStreams
from apps.core.live.caps import open_streams
from apps.core.live.desk import Desk
from apps.core.models import SSEProgress

URL = "/core/events/"


def ask(client: Client, *channels: str, **extra: Any) -> Any:
    return client.get(URL, {"channel": list(channels), **extra})


@contextmanager
def streams_open(count: int, user: User, address: str = "") -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            assert stack.enter_context(open_streams.counted(str(user.pk), address)) is None
        yield


def test_a_stranger_gets_401(client: Client, job: SSEProgress) -> None:
    assert ask(client, f"progress-{job.job_id}").status_code == 401


def test_another_users_job_is_forbidden(client: Client, bob: User, job: SSEProgress) -> None:
    client.force_login(bob)

    assert ask(client, f"progress-{job.job_id}").status_code == 403


def test_one_forbidden_channel_among_others_closes_all(
    client: Client, bob: User, job: SSEProgress
) -> None:
    own = SSEProgress.objects.create(user=bob, task_type="own")
    client.force_login(bob)

    assert ask(client, f"progress-{own.job_id}", f"progress-{job.job_id}").status_code == 403


@pytest.mark.parametrize("channel", ["progress-nobody", "jobs-0", "anything", "events_channel", ""])
def test_what_no_rule_allows_is_forbidden(client: Client, staff: User, channel: str) -> None:
    client.force_login(staff)

    assert ask(client, channel).status_code == 403


def test_a_signed_es_meta_is_no_way_round(client: Client, bob: User, job: SSEProgress) -> None:
    import jwt

    meta = {"exp": 4_000_000_000, "user": "anonymous", "channels": [f"progress-{job.job_id}"]}
    token = jwt.encode(meta, django_settings.SECRET_KEY, algorithm="HS256")

    assert client.get(URL, {"es-meta": token}).status_code == 401
    client.force_login(bob)
    assert client.get(URL, {"es-meta": token}).status_code == 400


def test_no_channel_and_too_many_are_refused(client: Client, alice: User) -> None:
    client.force_login(alice)
    many = [
        f"progress-{SSEProgress.objects.create(user=alice, task_type='x').pk}" for _ in range(11)
    ]

    assert ask(client).status_code == 400
    assert ask(client, *many).status_code == 400


def test_it_only_reads(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert client.post(URL).status_code == 405


def test_under_wsgi_it_says_that_it_cannot(client: Client, alice: User, job: SSEProgress) -> None:
    client.force_login(alice)

    response = ask(client, f"progress-{job.job_id}")

    assert response.status_code == 501
    assert "ASGI" in response.json()["error"]


@pytest.mark.parametrize("last_id", ["error", "c1:abc", "::::", "a" * 5000, "progress-x:9"])
def test_a_malformed_last_event_id_breaks_nothing(
    alice: User, job: SSEProgress, last_id: str
) -> None:
    client = AsyncClient()
    client.force_login(alice)

    response = _open(client, job, {"Last-Event-ID": last_id})

    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    assert response["X-Accel-Buffering"] == "no"


def test_too_many_streams_of_one_user_are_refused(
    alice: User, job: SSEProgress, settings: Any
) -> None:
    settings.PROGRESS_STREAMS_PER_USER = 1
    client = AsyncClient()
    client.force_login(alice)

    with streams_open(1, alice):
        response = _open(client, job, {})

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0


def test_too_many_streams_in_all_are_refused_for_another_reason(
    alice: User, bob: User, job: SSEProgress, settings: Any
) -> None:
    settings.PROGRESS_STREAMS_TOTAL = 2
    client = AsyncClient()
    client.force_login(alice)

    with streams_open(2, bob):
        response = _open(client, job, {})

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0


def test_too_many_streams_of_one_address_are_refused_but_not_of_our_own_proxy(
    alice: User, bob: User, settings: Any
) -> None:
    settings.PROGRESS_STREAMS_PER_ADDRESS = 2

    with streams_open(2, bob, "192.0.2.1"):
        refusal = open_streams.refusal(str(alice.pk), "192.0.2.1")
        assert refusal is not None
        assert refusal.status == 429
        assert open_streams.refusal(str(alice.pk), "192.0.2.2") is None
    for many in ("127.0.0.1", "127.0.0.9", "::1", "", "unix:"):
        with streams_open(5, bob, many):
            assert open_streams.refusal(str(alice.pk), many) is None
    assert open_streams.total == 0


def _open(client: AsyncClient, job: SSEProgress, headers: dict[str, str]) -> Any:
    """Open a stream under ASGI, and read none of it."""
    from asgiref.sync import async_to_sync

    return async_to_sync(client.get)(URL, {"channel": f"progress-{job.job_id}"}, headers=headers)


class TestTickets:
    """The wrapper lets a page's ticket in without asking Django; nothing else."""

    @pytest.fixture(autouse=True)
    def _no_valkey(self, settings: Any) -> None:
        settings.EVENTSTREAM_REDIS = {}

    @pytest.fixture
    def reader(self, client: Client, alice: User) -> Client:
        client.force_login(alice)
        return client

    @pytest.fixture
    def ticket(self, reader: Client, job: SSEProgress) -> str:
        answer = reader.get(f"/core/sse-progress/{job.job_id}/").json()
        assert answer["stream"]["channels"] == [f"progress-{job.job_id}"]
        return str(answer["stream"]["ticket"])

    def knock(self, query: dict[str, Any], cookies: dict[str, str]) -> tuple[bool, int]:
        """Open a stream at the wrapper; tell whether Django was asked, and the status."""
        asked = False
        answers: list[dict[str, Any]] = []

        async def never(scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError

        class Desk:
            async def ask(self, scope: Any, has_left: Any) -> Any:
                nonlocal asked
                asked = True
                from django.http import HttpResponse

                return HttpResponse(status=401)

        streams = LiveStreams(never)
        streams._desk = Desk()  # type: ignore[assignment]
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        scope = {
            "type": "http",
            "method": "GET",
            "path": URL,
            "query_string": urlencode(query, doseq=True).encode(),
            "headers": [(b"cookie", cookie.encode())],
            "client": ("192.0.2.7", 5),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            answers.append(message)

        asyncio.run(streams(scope, receive, send))
        if answers[0]["status"] >= 400:
            assert answers[-1]["body"] == b"" or "error" in json.loads(answers[-1]["body"])
        return asked, answers[0]["status"]

    @staticmethod
    def cookies_of(client: Client) -> dict[str, str]:
        return {name: morsel.value for name, morsel in client.cookies.items()}

    def test_a_ticket_opens_its_channel(
        self, reader: Client, job: SSEProgress, ticket: str
    ) -> None:
        query = {"channel": f"progress-{job.job_id}", "ticket": ticket}

        assert self.knock(query, self.cookies_of(reader)) == (False, 200)

    def test_the_tickets_of_several_bars_open_one_stream(
        self, reader: Client, alice: User, job: SSEProgress, ticket: str
    ) -> None:
        other = SSEProgress.objects.create(user=alice, task_type="x")
        more = reader.get(f"/core/sse-progress/{other.job_id}/").json()["stream"]["ticket"]
        channels = [f"progress-{job.job_id}", f"progress-{other.job_id}"]
        cookies = self.cookies_of(reader)

        assert self.knock({"channel": channels, "ticket": [ticket, more]}, cookies) == (False, 200)
        assert self.knock({"channel": channels, "ticket": ticket}, cookies) == (True, 401)

    def test_it_is_good_with_its_sessions_cookie_only(
        self, reader: Client, bob: User, job: SSEProgress, ticket: str
    ) -> None:
        query = {"channel": f"progress-{job.job_id}", "ticket": ticket}
        assert self.knock(query, {})[0]

        reader.force_login(bob)
        assert self.knock(query, self.cookies_of(reader))[0]

    @pytest.mark.parametrize(
        "spoil", [lambda t: t[:-1] + "?", lambda _: "", lambda _: "a.b", lambda _: "é.é"]
    )
    def test_a_forged_one_is_good_for_nothing(
        self, reader: Client, job: SSEProgress, ticket: str, spoil: Any
    ) -> None:
        query = {"channel": f"progress-{job.job_id}", "ticket": spoil(ticket)}

        assert self.knock(query, self.cookies_of(reader)) == (True, 401)

    def test_it_runs_out(
        self, reader: Client, job: SSEProgress, ticket: str, settings: Any
    ) -> None:
        settings.PROGRESS_TICKET_SECONDS = -1
        query = {"channel": f"progress-{job.job_id}", "ticket": ticket}

        assert self.knock(query, self.cookies_of(reader))[0]

    def test_caps_hold_for_tickets_too(
        self, reader: Client, alice: User, job: SSEProgress, ticket: str, settings: Any
    ) -> None:
        query = {"channel": f"progress-{job.job_id}", "ticket": ticket}
        cookies = self.cookies_of(reader)
        settings.PROGRESS_STREAMS_PER_ADDRESS = 1
        with streams_open(1, alice, "192.0.2.7"):
            assert self.knock(query, cookies) == (False, 429)
        settings.PROGRESS_STREAMS_TOTAL = 1
        with streams_open(1, alice):
            assert self.knock(query, cookies) == (False, 503)

    def test_a_stranger_gets_none(self, client: Client, job: SSEProgress) -> None:
        answer = client.get(f"/core/sse-progress/{job.job_id}/")

        assert answer.status_code == 401
        assert "stream" not in answer.json()

    def test_the_page_brings_one_too(self, reader: Client, job: SSEProgress) -> None:
        page = reader.get(f"/core/jobs/{job.job_id}/").content.decode()

        assert '"ticket": "' in page


def test_who_has_left_the_queue_is_not_looked_at() -> None:
    async def scenario() -> Any:
        return await Desk().ask({"type": "http"}, lambda: True)

    assert asyncio.run(scenario()) is None


def test_the_wrapper_hands_everything_else_on() -> None:
    seen = []

    async def django(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    async def scenario() -> None:
        streams = LiveStreams(django)
        nothing: Any = None
        for scope in (
            {"type": "http", "method": "GET", "path": "/"},
            {"type": "http", "method": "POST", "path": URL},
            {"type": "websocket", "path": URL},
        ):
            await streams(scope, nothing, nothing)

    asyncio.run(scenario())

    assert len(seen) == 3
