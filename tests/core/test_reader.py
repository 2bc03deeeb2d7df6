"""One reader: at once while its socket takes it, the newest states when it doesn't."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Coroutine
from typing import Any

import pytest

from apps.core.live import reader as reading
from apps.core.live.channel import Channel
from apps.core.live.event import Event
from apps.core.live.reader import Reader

LIFE = 7 << 32


class Socket:
    """A server's `send` that waits while the client doesn't read."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.more = True
        self.writable = asyncio.Event()
        self.writable.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.writable.wait()
        self.sent.append(message["body"])
        self.more = message["more_body"]

    @property
    def seqs(self) -> list[int]:
        return [int(n) for n in re.findall(rb'"seq": (\d+)', b"".join(self.sent))]


def opened(socket: Socket, *names: str, held: list[Reader] | None = None) -> Reader:
    reader = Reader(
        tuple(Channel(name) for name in names or ["progress-a"]),
        socket.send,
        (held if held is not None else []).append,
    )
    reader.start({})
    return reader


def event(number: int, job: str = "a", size: int = 0) -> Event:
    data = {"job_id": job, "seq": number, "x": "x" * size}
    return Event(LIFE + number, b"progress", job.encode(), json.dumps(data).encode())


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_an_event_is_sent_before_put_returns() -> None:
    async def scenario() -> None:
        socket = Socket()
        reader = opened(socket)

        reader.put(reader.channels[0], event(1), now=0.0)

        assert socket.seqs == [1]
        assert len(asyncio.all_tasks()) == 1  # none but the test's own

    run(scenario())


def test_what_comes_before_the_first_bytes_is_sent_after_them_unless_they_tell_it() -> None:
    async def scenario() -> None:
        socket = Socket()
        reader = Reader((Channel("progress-a"),), socket.send, lambda _: None)
        for number in (1, 2, 3):
            reader.put(reader.channels[0], event(number, job=str(number)), now=0.0)
        assert socket.sent == []

        reader.start({"progress-a": LIFE + 2})

        assert socket.seqs == [3]

    run(scenario())


def test_a_slow_reader_skips_states_and_never_the_last_one() -> None:
    async def scenario() -> None:
        socket = Socket()
        reader = opened(socket)
        socket.writable.clear()
        for number in range(1, 501):
            reader.put(reader.channels[0], event(number), now=float(number))
        await settle()
        assert socket.seqs == []

        socket.writable.set()
        await settle()

        assert socket.seqs == [1, 500]  # the first was under way

    run(scenario())


def test_the_states_of_different_jobs_don_t_replace_each_other() -> None:
    async def scenario() -> None:
        socket = Socket()
        reader = opened(socket, "jobs-5")
        socket.writable.clear()
        for number in range(1, 10):
            job = "b" if number == 5 else "a"
            reader.put(reader.channels[0], event(number, job), now=float(number))
        socket.writable.set()
        await settle()

        assert socket.seqs == [1, 5, 9]

    run(scenario())


@pytest.mark.parametrize(("count", "size"), [(5000, 0), (300, 10_000)])
def test_a_reader_who_never_reads_takes_bounded_memory_and_reads_anew_in_the_end(
    count: int, size: int
) -> None:
    async def scenario() -> None:
        socket = Socket()
        reader = opened(socket, "jobs-5")
        channel = reader.channels[0]
        socket.writable.clear()
        most = 0
        for number in range(1, count):
            channel.last = LIFE + number
            reader.put(channel, event(number, f"job-{number}", size), now=float(number))
            most = max(most, len(reader._kept or {}))
        assert most <= reading.MOST_KEPT_EVENTS
        assert most * size <= reading.MOST_KEPT_BYTES

        socket.writable.set()
        await settle()

        last = socket.sent[-1]
        assert last.startswith(b"event: stream-reset\nid: jobs-5:%d\n" % (LIFE + count - 1))

    run(scenario())


def test_a_busy_reader_gets_the_newest_state_of_each_window() -> None:
    async def scenario() -> None:
        socket, held = Socket(), list[Reader]()
        reader = opened(socket, held=held)
        for number in range(1, 101):
            reader.put(reader.channels[0], event(number), now=number / 100)
            if number % 10 == 0 and held:
                held.pop().flush()

        assert socket.seqs[-1] == 100
        assert len(socket.seqs) < 30
        assert socket.seqs == sorted(socket.seqs)

    run(scenario())


def test_a_reader_of_a_few_events_a_second_never_waits() -> None:
    async def scenario() -> None:
        socket, held = Socket(), list[Reader]()
        reader = opened(socket, held=held)
        for number in range(1, 101):
            reader.put(reader.channels[0], event(number), now=number / 12)

        assert len(socket.seqs) == 100
        assert held == []

    run(scenario())


def test_a_reader_of_several_channels_is_told_its_place_in_each() -> None:
    async def scenario() -> None:
        socket = Socket()
        reader = opened(socket, "progress-a", "jobs-é")
        reader.put(reader.channels[0], event(4), now=0.0)
        reader.put(reader.channels[1], event(9), now=1.0)

        assert f"id: progress-a:{LIFE + 4},jobs-%C3%A9:{LIFE + 9}\n".encode() in socket.sent[-1]

    run(scenario())


def test_a_stream_ends_with_what_was_kept_and_the_last_words() -> None:
    async def scenario() -> None:
        socket = Socket()
        reader = opened(socket)
        socket.writable.clear()
        reader.put(reader.channels[0], event(1), now=0.0)
        reader.put(reader.channels[0], event(2), now=1.0)
        reader.end(b"retry: 5\n\n")
        assert socket.more

        socket.writable.set()
        await settle()

        assert socket.seqs == [1, 2]
        assert socket.sent[-1] == b"retry: 5\n\n"
        assert not socket.more

    run(scenario())


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError(), ValueError()])
def test_a_server_that_says_that_the_client_has_gone_ends_it(error: Exception) -> None:
    async def scenario() -> None:
        async def send(_message: dict[str, Any]) -> None:
            raise error

        reader = Reader((Channel("progress-a"),), send, lambda _: None)
        reader.start({})
        reader.put(reader.channels[0], event(1), now=0.0)

        assert reader.gone

    run(scenario())
