"""From Valkey to the bytes that a browser reads, with a real Valkey and the real hub."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from apps.core.live import serving
from apps.core.live.caps import open_streams
from apps.core.live.hub import current_hub
from apps.core.live.rights import Pass
from apps.core.live.stream import stream
from tests.core.live.scene import (
    PATIENCE_SECONDS,
    OwnValkey,
    reading,
    run,
    subscribers,
)

pytestmark = pytest.mark.integration


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
