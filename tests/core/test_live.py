"""From Valkey to the bytes that a browser reads, with a real Valkey and the real hub."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import signal
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis

from apps.core.live import history, kick, rights, serving, subscriber, ticket
from apps.core.live.breaker import breaker
from apps.core.live.caps import open_streams
from apps.core.live.event import parse_resume_id
from apps.core.live.hub import Hub, current_hub
from apps.core.live.rights import Pass
from apps.core.live.serving import Resume, serve
from apps.core.live.stream import stream
from apps.core.live.valkey import key_of
from heron.demo.process import Process, stop_all
from heron.demo.stack import valkey_command
from heron.demo.surroundings import ROOT, make_scratch

pytestmark = pytest.mark.integration

#: Generous: these tests wait for something to happen, and fail when it never does.
PATIENCE_SECONDS = 20.0
KEEP_ALIVE = b"event: keep-alive\ndata:\n\n"


class OwnValkey:
    """A Valkey that a test may stop and start again on the same socket; it keeps no data."""

    def __init__(self) -> None:
        self.folder = make_scratch()
        self.socket = self.folder / "valkey.sock"
        self.process: Process | None = None

    def start(self) -> None:
        self.process = Process(
            "valkey", valkey_command(self.socket), env={}, cwd=ROOT, on_line=lambda *_: None
        )
        client = self.client()
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.02)
        raise TimeoutError("Valkey does not start")

    def stop(self) -> None:
        assert self.process is not None
        stop_all([self.process], within_s=3)

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket))

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> int:
        """Publish as another process does."""
        key = str(data.get("job_id", ""))
        outgoing = history.Outgoing([channel], kind, json.dumps(data), key)
        ((event_id,),) = history.append_all(self.client(), [outgoing])
        return event_id


@pytest.fixture
def valkey(settings: Any) -> Iterator[OwnValkey]:
    own = OwnValkey()
    own.start()
    settings.EVENTSTREAM_REDIS = {"unix_socket_path": str(own.socket)}
    # Nobody here has a row in the database.
    settings.PROGRESS_RECHECK_SECONDS = 3600.0
    breaker.close()
    yield own
    own.stop()
    shutil.rmtree(own.folder, ignore_errors=True)


class Client:
    """What a client reads of its stream."""

    def __init__(self) -> None:
        self.read = b""
        self.ended = False
        self.gone = asyncio.Event()
        self.slow_s = 0.0
        self._news = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        self.read += message.get("body", b"")
        self._news.set()
        if not message.get("more_body", True):
            self.ended = True
            self.gone.set()
        if self.slow_s:
            await asyncio.sleep(self.slow_s)

    async def until(self, wanted: bytes) -> None:
        """Wait until something has been read."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while wanted not in self.read:
                self._news.clear()
                await self._news.wait()

    @property
    def seqs(self) -> list[int]:
        return [int(n) for n in re.findall(rb'"seq": (\d+)', self.read)]

    @property
    def last_id(self) -> Resume:
        return parse_resume_id(re.findall(rb"^id: (.*)$", self.read, re.M)[-1].decode())


@asynccontextmanager
async def reading(
    *channels: str,
    resume: Resume | None = None,
    user: str = "5",
    session: str | None = None,
    by_ticket: bool = False,
) -> AsyncIterator[Client]:
    """A client whose stream is open."""
    client = Client()
    held = Pass(user, session, channels)
    holder = asyncio.create_task(
        serve(held, resume or {}, client.send, client.gone.wait, is_checked=not by_ticket)
    )
    try:
        await client.until(b"event: stream-open\ndata:\n\n")
        yield client
    finally:
        client.gone.set()
        await holder


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def whole() -> None:
        try:
            await scenario
        finally:
            await current_hub().close()

    asyncio.run(whole())


def subscribers(valkey: OwnValkey, channel: str) -> int:
    ((_, count),) = valkey.client().pubsub_numsub(key_of(channel))
    return int(count)


def test_an_event_of_another_process_reaches_the_readers_of_its_channel(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with reading("progress-a") as client:
            valkey.publish("progress-b", "progress", {"job_id": "b"})
            event_id = valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 7})
            await client.until(b'"seq": 7')

            assert client.read.endswith(
                b"event: progress\nid: progress-a:%d\n" % event_id
                + b'data: {"job_id": "a", "seq": 7}\n\n'
            )
            assert b'"b"' not in client.read

    run(scenario())


def test_a_stream_begins_with_padding_a_time_to_come_back_after_and_its_place(
    valkey: OwnValkey,
) -> None:
    async def scenario() -> None:
        last = valkey.publish("progress-a", "progress", {"job_id": "a"})
        async with reading("progress-a") as client:
            padding, hints, opened, _ = client.read.split(b"\n\n")

        assert padding == b":" + b" " * 2048
        assert re.fullmatch(rb"retry: \d{4}\nid: progress-a:%d" % last, hints)
        assert opened == b"event: stream-open\ndata:"

    run(scenario())


def test_a_process_subscribes_to_what_is_read_here_and_to_no_more(
    valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.core.live.hub.LINGER_SECONDS", 0.1)

    async def scenario() -> None:
        async with reading("progress-a"):
            async with reading("progress-a"), reading("progress-b"):
                assert subscribers(valkey, "progress-a") == 1
                assert subscribers(valkey, "progress-b") == 1
                assert subscribers(valkey, "progress-c") == 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                while subscribers(valkey, "progress-b"):
                    await asyncio.sleep(0.02)
            assert subscribers(valkey, "progress-a") == 1
        async with asyncio.timeout(PATIENCE_SECONDS):
            while valkey.client().pubsub_channels():
                await asyncio.sleep(0.02)

    run(scenario())


def test_a_reader_who_comes_as_the_last_one_is_given_up_is_heard(
    valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.core.live.hub.LINGER_SECONDS", 0.0)

    async def scenario() -> None:
        for seq in range(60):
            async with reading("progress-a") as client:
                valkey.publish("progress-a", "progress", {"job_id": "a", "seq": seq})
                await client.until(b'"seq": %d' % seq)
            for _ in range(seq % 6):
                await asyncio.sleep(0)

    began = time.monotonic()
    run(scenario())
    # None of them had to wait until it was opened anyway.
    assert time.monotonic() - began < 60 * serving.OPEN_ANYWAY_SECONDS / 4


class TestComingBack:
    """Nothing missed, replayed, or told to read anew."""

    def test_who_has_missed_nothing_is_sent_nothing(self, valkey: OwnValkey) -> None:
        async def scenario() -> None:
            last = valkey.publish("progress-a", "progress", {"job_id": "a"})
            async with reading("progress-a", resume={"progress-a": last}) as client:
                await asyncio.sleep(0.1)
                assert client.read.endswith(b"event: stream-open\ndata:\n\n")

        run(scenario())

    def test_what_was_missed_is_replayed_once(self, valkey: OwnValkey) -> None:
        async def scenario() -> None:
            last = valkey.publish("jobs-5", "progress", {"job_id": "a", "seq": 1})
            for seq, job in ((2, "a"), (3, "b"), (4, "a")):
                newest = valkey.publish("jobs-5", "progress", {"job_id": job, "seq": seq})
            async with reading("jobs-5", resume={"jobs-5": last}) as client:
                valkey.publish("jobs-5", "progress", {"job_id": "a", "seq": 5})
                await client.until(b'"seq": 5')
                assert client.seqs == [3, 4, 5]
                assert client.read.count(b"id: jobs-5:%d\n" % newest) == 1

        run(scenario())

    def test_who_was_there_before_the_first_event_gets_it(self, valkey: OwnValkey) -> None:
        async def scenario() -> None:
            async with reading("progress-a") as client:
                place = client.last_id
            assert place == {"progress-a": 0}
            valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 1})
            async with reading("progress-a", resume=place) as client:
                await client.until(b'"seq": 1')

        run(scenario())

    @pytest.mark.parametrize(
        "last_id", ["progress-a:nonsense", "progress-a:99999999999", "progress-a:-1", "progress-a:"]
    )
    def test_a_place_that_is_not_known_is_told_to_read_anew(
        self, valkey: OwnValkey, last_id: str
    ) -> None:
        async def scenario() -> None:
            newest = valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 1})
            async with reading("progress-a", resume=parse_resume_id(last_id)) as client:
                reset = b"event: stream-reset\nid: progress-a:%d\n" % newest
                await client.until(reset + b'data: {"channels": ["progress-a"]}\n\n')
                valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 2})
                await client.until(b'"seq": 2')

        run(scenario())

    def test_nothing_falls_between_while_events_come_and_streams_open_and_end(
        self, valkey: OwnValkey
    ) -> None:
        async def scenario() -> None:
            seen: list[int] = []
            place: Resume = {"jobs-5": 0}

            async def publish() -> None:
                for seq in range(1, 41):
                    data = {"job_id": f"job-{seq}", "seq": seq}
                    await asyncio.to_thread(valkey.publish, "jobs-5", "progress", data)

            publishing = asyncio.create_task(publish())
            while not publishing.done() or 40 not in seen:
                async with reading("jobs-5", resume=place) as client:
                    await asyncio.sleep(random.uniform(0, 0.02))
                seen += client.seqs
                place = client.last_id

            assert seen == list(range(1, 41))

        run(scenario())


class TestOutages:
    """Readers stay connected; what they missed is replayed, or they read anew."""

    def test_a_subscription_that_is_cut_again_and_again_loses_nothing(
        self, valkey: OwnValkey
    ) -> None:
        async def scenario() -> None:
            async with reading("jobs-5") as client:
                admin = valkey.client()
                for seq in range(1, 41):
                    if seq % 4 == 0:
                        admin.client_kill_filter(_type="pubsub")
                    valkey.publish("jobs-5", "progress", {"job_id": f"j{seq}", "seq": seq})
                    await asyncio.sleep(0.02)
                await client.until(b'"seq": 40')

                assert client.seqs == list(range(1, 41))
                assert b"stream-reset" not in client.read

        run(scenario())

    @pytest.mark.parametrize("away_s", [0.2, 3.0, 9.0])
    def test_a_valkey_that_lost_its_data_is_heard_again_within_two_seconds(
        self, valkey: OwnValkey, away_s: float
    ) -> None:
        async def scenario() -> None:
            for seq in range(3):
                valkey.publish("progress-a", "progress", {"job_id": "a", "seq": seq})
            async with reading("progress-a") as client:
                await asyncio.to_thread(valkey.stop)
                await asyncio.sleep(away_s)
                await asyncio.to_thread(valkey.start)
                back = time.monotonic()
                # As many as before: an id that only counted would look as if nothing was missed.
                for seq in range(10, 13):
                    valkey.publish("progress-a", "progress", {"job_id": "a", "seq": seq})
                await client.until(b"event: stream-reset\n")
                waited = time.monotonic() - back
                valkey.publish("progress-a", "complete", {"job_id": "a", "seq": 13})
                await client.until(b'"seq": 13')

                assert not client.ended
                assert waited < subscriber.LONGEST_DELAY_SECONDS + 1.0

        run(scenario())

    def test_a_valkey_that_hangs_is_left_and_heard_again(
        self, valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        monkeypatch.setattr(subscriber, "PING_SECONDS", 0.1)
        monkeypatch.setattr(subscriber, "SILENCE_SECONDS", 0.5)
        settings.PROGRESS_KEEP_ALIVE_SECONDS = 1.0
        assert valkey.process is not None
        pid = valkey.process.pid

        async def scenario() -> None:
            async with reading("progress-a") as client:
                hub = current_hub()
                os.kill(pid, signal.SIGSTOP)
                try:
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        while any(channel.live for channel in hub.channels.values()):
                            await asyncio.sleep(0.05)
                finally:
                    os.kill(pid, signal.SIGCONT)
                valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 1})
                await client.until(b'"seq": 1')
                assert not client.ended

        run(scenario())

    def test_a_stream_opens_all_the_same_and_reads_anew_when_valkey_comes(
        self, valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("apps.core.live.serving.OPEN_ANYWAY_SECONDS", 0.2)
        valkey.stop()

        async def scenario() -> None:
            async with reading("progress-a") as client:
                await asyncio.to_thread(valkey.start)
                await client.until(b"event: stream-reset\n")
                valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 1})
                await client.until(b'"seq": 1')

        run(scenario())

    def test_a_bad_message_does_not_stop_the_others(self, valkey: OwnValkey) -> None:
        async def scenario() -> None:
            async with reading("progress-a") as client:
                for bad in (b"\xff", b"[]", b"", b"1-2\n", b"x-y\na\nb\nc", b"5\n5\n5\n5"):
                    valkey.client().publish(key_of("progress-a"), bad)
                    valkey.client().publish(kick.TOPIC, bad)
                valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 1})
                await client.until(b'"seq": 1')

        run(scenario())


def test_a_burst_at_a_slow_reader_ends_in_the_final_state(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with reading("progress-a") as client:
            client.slow_s = 0.1
            for seq in range(500):
                valkey.publish("progress-a", "progress", {"job_id": "a", "seq": seq})
            await client.until(b'"seq": 499')

            assert len(client.seqs) < 200
            assert client.seqs == sorted(client.seqs)

    run(scenario())


def test_a_project_without_the_wrapper_streams_too(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        held = Pass("55", None, ("progress-a",))
        frames = stream(held, {}, "192.0.2.9")
        read = await anext(frames)
        assert read.endswith(b"event: stream-open\ndata:\n\n")
        assert open_streams.of(55) == 1

        for seq in range(100):  # nobody reads meanwhile
            valkey.publish("progress-a", "progress", {"job_id": "a", "seq": seq})
        read = b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while b'"seq": 99' not in read:
                read += await anext(frames)
        assert read.count(b"event: progress\n") < 100

        await frames.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while open_streams.of(55) or current_hub().readers:
                await asyncio.sleep(0.01)

    run(scenario())


def test_a_project_without_the_wrapper_stops_in_time_too(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        frames = stream(Pass("55", None, ("progress-a",)), {}, "192.0.2.9")
        await anext(frames)
        current_hub().stop()
        rest = b"".join([frame async for frame in frames])
        assert rest.startswith(b"retry: ")

    run(scenario())


def test_silence_is_broken(valkey: OwnValkey, settings: Any) -> None:
    settings.PROGRESS_KEEP_ALIVE_SECONDS = 0.1

    async def scenario() -> None:
        async with reading("progress-a") as client:
            await client.until(KEEP_ALIVE + KEEP_ALIVE)

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
