"""What keeps an open stream alive, and what ends it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from apps.core.live import hub, kick, rights, ticket
from apps.core.live.hub import Hub, current_hub
from apps.core.live.rights import Pass
from tests.core.live.scene import (
    KEEP_ALIVE,
    Client,
    OwnValkey,
    reading,
    run,
)

pytestmark = pytest.mark.integration


def test_silence_is_broken(valkey: OwnValkey, settings: Any) -> None:
    settings.PROGRESS_KEEP_ALIVE_SECONDS = 0.1

    async def scenario() -> None:
        async with reading("progress-a") as client:
            await client.until(KEEP_ALIVE + KEEP_ALIVE)

    run(scenario())


def test_what_else_there_is_to_do_waits_for_few_keep_alives(
    valkey: OwnValkey, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROGRESS_KEEP_ALIVE_SECONDS = 0.1
    monkeypatch.setattr(hub, "SLOTS", 1)  # all at the same time
    monkeypatch.setattr(hub, "SAID_AT_ONCE", 1)
    order: list[str] = []
    send = Client.send

    async def noting(client: Client, message: dict[str, Any]) -> None:
        if message.get("body") == KEEP_ALIVE:
            order.append("keep-alive")
            asyncio.get_running_loop().call_soon(order.append, "else")
        await send(client, message)

    monkeypatch.setattr(Client, "send", noting)

    async def scenario() -> None:
        async with reading("progress-a") as client, reading("progress-a") as other:
            await client.until(KEEP_ALIVE)
            await other.until(KEEP_ALIVE)
            await asyncio.sleep(0)

        assert order[:4] == ["keep-alive", "else"] * 2

    run(scenario())


def test_who_came_on_a_ticket_gets_a_new_one_with_each_keep_alive(
    valkey: OwnValkey, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROGRESS_KEEP_ALIVE_SECONDS = 0.2
    monkeypatch.setattr(rights, "lost", lambda passes: {})
    session = "s" * 32

    async def scenario() -> None:
        async with (
            reading("progress-a", session=session, by_ticket=True) as client,
            reading("progress-a", session=session) as other,
        ):
            await client.until(b"event: stream-ticket\n")
            await client.until(b'"}\n\n')
            await other.until(KEEP_ALIVE + KEEP_ALIVE)

        found = re.search(rb'"ticket": "([^"]+)"', client.read)
        assert found is not None
        fresh, cookies = found[1].decode(), f"sessionid={session}"
        assert ticket.check([fresh], ["progress-a"], cookies) == Pass("5", session, ("progress-a",))
        assert ticket.check([fresh], ["progress-b"], cookies) is None
        assert b"stream-ticket" not in other.read

    run(scenario())


def test_a_kick_ends_the_streams_that_it_means_and_no_others(
    valkey: OwnValkey, settings: Any
) -> None:
    async def scenario() -> None:
        async with (
            reading("progress-a", user="5") as kicked,
            reading("progress-a", user="6") as other,
            reading("progress-b", user="5", session="s" * 32) as logged_out,
        ):
            await asyncio.to_thread(kick.forbid, 5, "progress-a")
            await kicked.until(b"event: stream-error\nid: error\n")
            assert kicked.ended
            assert b'"condition": "forbidden"' in kicked.read

            await asyncio.to_thread(kick.end_session, "s" * 32)
            await logged_out.until(b"event: stream-error\n")
            assert logged_out.ended
            assert not other.ended

    run(scenario())


def test_whoever_may_read_no_more_is_found_by_the_next_check(
    valkey: OwnValkey, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROGRESS_RECHECK_SECONDS = settings.PROGRESS_KEEP_ALIVE_SECONDS = 0.2
    lost: dict[Pass, list[str]] = {}
    monkeypatch.setattr(rights, "lost", lambda passes: {p: lost[p] for p in passes if p in lost})

    async def scenario() -> None:
        async with reading("progress-a", user="5") as client, reading("progress-b") as other:
            await asyncio.sleep(0.5)
            assert b"stream-error" not in client.read
            lost[Pass("5", None, ("progress-a",))] = ["progress-a"]
            await client.until(b"Permission denied to channels: progress-a")
            assert client.ended
            assert not other.ended

    run(scenario())


def test_django_eventstreams_own_way_to_take_a_permission_away_reaches_other_processes(
    valkey: OwnValkey, django_user_model: Any
) -> None:
    from django_eventstream import channel_permission_changed

    class Stranger:
        id = 5
        pk = 5
        is_authenticated = is_active = False

    async def scenario() -> None:
        async with reading("progress-a", user="5") as client:
            await asyncio.to_thread(channel_permission_changed, Stranger(), "progress-a")
            await client.until(b"event: stream-error\n")
            assert client.ended

    run(scenario())


def test_streams_that_end_with_the_process_come_back_spread_over_some_time(
    valkey: OwnValkey,
) -> None:
    async def scenario() -> None:
        hub: Hub = current_hub()
        async with reading("progress-a") as client:
            hub.stop()
            assert client.ended
            said = re.search(
                rb'retry: (\d+)\n\nevent: stream-close\ndata: {"retry": (\d+)}\n\n$', client.read
            )
            assert said is not None
            assert said[1] == said[2]
            hub.readers.update(object() for _ in range(8000))  # type: ignore[misc]
            waits = [hub.retry_ms() for _ in range(200)]
            hub.readers.clear()
            assert min(waits) >= 1000
            assert 8000 < max(waits) <= 11_000

    run(scenario())
