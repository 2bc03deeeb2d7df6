"""What Valkey keeps of a channel: nothing missed, replayed, or told that it can't be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest
from django_eventstream import get_current_event_id, send_event
from django_eventstream.storage import EventDoesNotExist
from redis import Redis

from apps.core.live import history
from apps.core.live.breaker import breaker
from apps.core.live.history import Found, Outgoing
from apps.core.live.scripts import EMPTY_LIFE_KEY
from apps.core.live.storage import ValkeyStorage
from apps.core.live.valkey import key_of
from tests.support.valkey import a_valkey

pytestmark = pytest.mark.integration

Append = Callable[..., int]


@pytest.fixture
def client(valkey_url: str, settings: Any) -> Redis:
    socket = valkey_url.removeprefix("unix://").partition("?")[0]
    settings.EVENTSTREAM_REDIS = {"unix_socket_path": socket}
    breaker.close()
    return Redis(unix_socket_path=socket)


@pytest.fixture
def channel() -> str:
    return f"progress-{uuid4().hex}"


def append(client: Redis, channel: str, seq: int, job: str = "a") -> int:
    data = json.dumps({"job_id": job, "seq": seq})
    ((event_id,),) = history.append_all(client, [Outgoing([channel], "progress", data, job)])
    return event_id


def place_of(client: Redis, channel: str) -> int:
    return history.newest_ids(client, [channel])[channel]


def seqs(since: history.Since) -> list[int]:
    return [json.loads(event.data)["seq"] for event in since.events]


def test_one_round_trip_stores_and_publishes_on_all_channels(client: Redis, channel: str) -> None:
    listener = client.pubsub()  # type: ignore[no-untyped-call]
    listener.subscribe(key_of(channel), key_of("jobs-5"))
    while listener.get_message(ignore_subscribe_messages=True, timeout=0.1):
        pass

    (ids,) = history.append_all(client, [Outgoing([channel, "jobs-5"], "progress", "{}", "a")])

    heard = [listener.get_message(timeout=2) for _ in range(2)]
    assert {message["channel"].decode() for message in heard if message} == {
        key_of(channel),
        key_of("jobs-5"),
    }
    assert history.newest_ids(client, [channel, "jobs-5"]) == {channel: ids[0], "jobs-5": ids[1]}


def test_nothing_was_missed_is_told_as_such(client: Redis, channel: str) -> None:
    first = place_of(client, channel)
    assert history.since(client, channel, first) == history.Since(Found.NOTHING_MISSED, first)

    last = append(client, channel, 1)

    assert history.since(client, channel, last) == history.Since(Found.NOTHING_MISSED, last)


def test_of_each_job_the_newest_state_is_replayed(client: Redis, channel: str) -> None:
    first = append(client, channel, 1)
    for seq, job in ((2, "a"), (3, "b"), (4, "a"), (5, "a")):
        newest = append(client, channel, seq, job)

    since = history.since(client, channel, first)

    assert (since.found, since.newest, seqs(since)) == (Found.REPLAY, newest, [3, 5])


def test_a_reader_who_came_before_the_first_event_gets_all(client: Redis, channel: str) -> None:
    before = place_of(client, channel)
    assert before == history.beginning(client) == place_of(client, "jobs-no-event")
    append(client, channel, 1, "a")
    append(client, channel, 2, "b")

    assert seqs(history.since(client, channel, before)) == [1, 2]


def test_an_empty_channel_that_has_lost_its_events_is_not_taken_for_one_that_had_none(
    client: Redis, channel: str
) -> None:
    before = place_of(client, channel)
    append(client, channel, 1)
    client.flushall()

    assert history.since(client, channel, before).found is Found.CANT_REPLAY
    append(client, channel, 2)
    assert history.since(client, channel, before).found is Found.CANT_REPLAY


def test_nobody_has_been_at_place_zero(client: Redis, channel: str) -> None:
    assert history.since(client, channel, 0).found is Found.CANT_REPLAY
    append(client, channel, 1)

    assert history.since(client, channel, 0).found is Found.CANT_REPLAY


def test_an_empty_place_is_forgotten_before_the_events_after_it(
    client: Redis, channel: str, settings: Any
) -> None:
    settings.PROGRESS_EVENTS_KEPT_SECONDS = 1000
    client.delete(EMPTY_LIFE_KEY)
    before = place_of(client, channel)

    assert 0 < int(client.ttl(EMPTY_LIFE_KEY)) <= 500
    append(client, channel, 1)
    client.delete(EMPTY_LIFE_KEY)  # as its time does
    assert history.since(client, channel, before).found is Found.CANT_REPLAY


def test_what_was_dropped_can_t_be_replayed(client: Redis, channel: str, settings: Any) -> None:
    settings.PROGRESS_EVENTS_KEPT = 10
    first = append(client, channel, 1)
    for seq in range(2, 400):
        append(client, channel, seq)

    assert history.since(client, channel, first).found is Found.CANT_REPLAY
    assert client.xlen(key_of(channel)) < 200


def test_an_id_of_another_life_is_never_taken_for_one_of_this(client: Redis, channel: str) -> None:
    for seq in range(1, 4):
        old = append(client, channel, seq)
    client.flushall()
    assert history.since(client, channel, old).found is Found.CANT_REPLAY
    for seq in range(1, 10):
        append(client, channel, seq)

    assert history.since(client, channel, old).found is Found.CANT_REPLAY


@pytest.fixture
def restored(client: Redis, channel: str) -> Iterator[Callable[[], Redis]]:
    """Start another Valkey from a copy of the data, as after a crash, as often as wanted."""
    with ExitStack() as stack:

        def restore() -> Redis:
            other: Redis = stack.enter_context(stack.enter_context(a_valkey()).client())
            for key in (key_of(channel), EMPTY_LIFE_KEY):
                if kept := client.dump(key):
                    other.restore(key, 0, kept)
            return other

        yield restore


def test_a_copy_of_the_data_may_lack_the_last_event(
    client: Redis, channel: str, restored: Callable[[], Redis]
) -> None:
    before = place_of(client, channel)
    empty = restored()
    last = append(client, channel, 1)
    full = restored()

    assert history.since(empty, channel, before).found is Found.CANT_REPLAY
    assert history.since(full, channel, last).found is Found.CANT_REPLAY
    assert place_of(full, channel) == history.beginning(full)
    # Nor does what comes next bear a number that another event has had.
    after = append(full, channel, 3)
    assert after & 0xFFFFFFFF == 1
    assert after != last
    assert history.since(full, channel, after).found is Found.NOTHING_MISSED


def test_an_id_from_the_future_can_t_be_replayed(client: Redis, channel: str) -> None:
    last = append(client, channel, 1)

    assert history.since(client, channel, last + 5).found is Found.CANT_REPLAY


def test_a_channel_is_forgotten_after_its_time(client: Redis, channel: str, settings: Any) -> None:
    settings.PROGRESS_EVENTS_KEPT_SECONDS = 1234
    append(client, channel, 1)

    assert 1200 < int(client.ttl(key_of(channel))) <= 1234


def test_valkey_may_forget_the_scripts(client: Redis, channel: str) -> None:
    append(client, channel, 1)
    client.script_flush()

    assert append(client, channel, 2) & 0xFFFFFFFF == 2


class TestDjangoEventstreamsHook:
    """EVENTSTREAM_STORAGE_CLASS."""

    @pytest.fixture(autouse=True)
    def _valkey(self, client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
        from django_eventstream import eventstream

        # It was made from the settings when the module was imported.
        monkeypatch.setattr(eventstream, "redis_client", client)

    def test_anybodys_send_event_is_kept_and_published(self, client: Redis, channel: str) -> None:
        before = place_of(client, channel)
        send_event(channel, "progress", {"job_id": "a", "seq": 1})
        send_event(channel, "message", {"text": "no job\nof ours"})

        since = history.since(client, channel, before)
        assert [event.key for event in since.events] == [b"a", b""]
        assert get_current_event_id([channel]) == f"{channel}:{since.newest}"

    def test_its_own_views_can_replay(self, client: Redis, channel: str) -> None:
        storage = ValkeyStorage()
        first = storage.append_event(channel, "progress", '{"job_id": "a"}')
        storage.append_event(channel, "progress", '{"job_id": "b"}')

        (event,) = storage.get_events(channel, first.id)

        assert (event.type, event.data) == ("progress", '{"job_id": "b"}')
        with pytest.raises(EventDoesNotExist):
            storage.get_events(channel, first.id + 9)
