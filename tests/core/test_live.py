"""From Valkey to the bytes that a browser reads, with a real Valkey."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis

from apps.core.live.hub import Hub, Reader, current_hub, open_streams
from apps.core.live.stream import KEEP_ALIVE, stream
from heron.demo.process import Process, stop_all
from heron.demo.stack import valkey_command
from heron.demo.surroundings import ROOT, make_scratch

pytestmark = pytest.mark.integration

#: Generous: these tests wait for something to happen, and fail when it never does.
PATIENCE_SECONDS = 20.0


class OwnValkey:
    """A Valkey that a test may stop and start again on the same socket."""

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

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> None:
        message = {
            "channel": channel,
            "event_type": kind,
            "data": json.dumps(data),
            "pub_id": None,
        }
        self.client().publish("events_channel", json.dumps(message))


@pytest.fixture
def valkey(settings: Any) -> Iterator[OwnValkey]:
    own = OwnValkey()
    own.start()
    settings.EVENTSTREAM_REDIS = {"unix_socket_path": str(own.socket)}
    yield own
    own.stop()
    shutil.rmtree(own.folder, ignore_errors=True)


@asynccontextmanager
async def reading(*channels: str) -> AsyncIterator[tuple[Hub, Reader]]:
    """A reader that already gets events."""
    hub, reader = current_hub(), Reader(set(channels))
    hub.join(reader)
    try:
        assert await hub.ready(PATIENCE_SECONDS)
        yield hub, reader
    finally:
        hub.leave(reader)


async def frame_with(reader: Reader, wanted: bytes) -> bytes:
    """Read until a frame with these bytes comes."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            frame = await reader.take(PATIENCE_SECONDS)
            if frame is not None and wanted in frame:
                return frame


def test_an_event_of_another_process_reaches_the_readers_of_its_channel(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with reading("progress-a") as (_, reader):
            valkey.publish("progress-b", "progress", {"job_id": "b"})
            valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 7})

            frame = await reader.take(PATIENCE_SECONDS)

            assert frame == b'event: progress\ndata: {"job_id": "a", "seq": 7}\n\n'

    asyncio.run(scenario())


def test_a_reader_hears_of_a_gap_and_then_of_new_events_when_valkey_was_away(
    valkey: OwnValkey,
) -> None:
    async def scenario() -> None:
        async with reading("progress-a") as (_, reader):
            await asyncio.to_thread(valkey.stop)
            # Longer than django-eventstream's own listener would survive.
            await asyncio.sleep(4)
            await asyncio.to_thread(valkey.start)

            await frame_with(reader, b"event: stream-reset\n")
            valkey.publish("progress-a", "complete", {"job_id": "a"})
            await frame_with(reader, b"event: complete\n")

    asyncio.run(scenario())


def test_a_bad_message_does_not_stop_the_others(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with reading("progress-a") as (_, reader):
            for bad in (b"\xff", b"[]", b"{}", b'{"channel": 3, "event_type": 1, "data": 5}'):
                valkey.client().publish("events_channel", bad)
            valkey.publish("progress-a", "progress", {"job_id": "a"})

            await frame_with(reader, b"event: progress\n")

    asyncio.run(scenario())


def test_a_slow_reader_skips_states_and_never_the_last_one(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with reading("progress-a", "progress-b") as (hub, reader):
            for seq in range(500):
                hub.deliver("progress-a", "progress", json.dumps({"job_id": "a", "seq": seq}))
            hub.deliver("progress-b", "progress", json.dumps({"job_id": "b", "seq": 1}))
            hub.deliver("progress-a", "complete", json.dumps({"job_id": "a", "seq": 500}))

            frame = await reader.take(PATIENCE_SECONDS)

            assert frame is not None
            assert frame.count(b"event: ") == 2
            assert frame.endswith(b'event: complete\ndata: {"job_id": "a", "seq": 500}\n\n')

    asyncio.run(scenario())


def test_a_stream_opens_once_events_arrive_and_breaks_its_silence(
    valkey: OwnValkey, settings: Any
) -> None:
    settings.PROGRESS_KEEP_ALIVE_SECONDS = 0.05

    async def scenario() -> None:
        frames = stream({"progress-a"}, user_id=5)
        first = await anext(frames)
        assert first.startswith(b":  ")
        assert b"\nretry: " in first
        assert first.endswith(b"event: stream-open\ndata:\n\n")
        assert open_streams.of(5) == 1

        valkey.publish("progress-a", "progress", {"job_id": "a"})
        second = await anext(frames)
        while second == KEEP_ALIVE:
            second = await anext(frames)
        assert second.startswith(b"event: progress\n")
        assert await anext(frames) == KEEP_ALIVE

        await frames.aclose()  # type: ignore[attr-defined]
        assert open_streams.of(5) == 0

    asyncio.run(scenario())


def test_a_stream_opens_all_the_same_while_valkey_is_away(settings: Any) -> None:
    settings.EVENTSTREAM_REDIS = {"unix_socket_path": "/nowhere/valkey.sock"}

    async def scenario() -> None:
        frames = stream({"progress-a"}, user_id=6)
        assert b"event: stream-open" in await anext(frames)
        await frames.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())


def test_a_stream_ends_after_its_time_so_that_rights_are_checked_again(
    valkey: OwnValkey, settings: Any
) -> None:
    settings.PROGRESS_STREAM_MAX_SECONDS = 0.2

    async def scenario() -> list[bytes]:
        return [frame async for frame in stream({"progress-a"}, user_id=7)]

    assert asyncio.run(scenario())[0].endswith(b"event: stream-open\ndata:\n\n")


def test_the_subscription_ends_with_the_last_reader(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with reading("progress-a"):
            assert valkey.client().pubsub_numsub("events_channel") == [(b"events_channel", 1)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while valkey.client().pubsub_numsub("events_channel") != [(b"events_channel", 0)]:
                await asyncio.sleep(0.02)

    asyncio.run(scenario())
