"""Readers stay connected while Valkey is away; what they missed is replayed, or they read anew."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import pytest

from apps.core.live import kick, subscriber
from apps.core.live.hub import current_hub
from apps.core.live.valkey import key_of
from tests.core.live.scene import (
    PATIENCE_SECONDS,
    OwnValkey,
    reading,
    run,
)

pytestmark = pytest.mark.integration


def test_a_subscription_that_is_cut_again_and_again_loses_nothing(valkey: OwnValkey) -> None:
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
    valkey: OwnValkey, away_s: float
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
    valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch, settings: Any
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
    valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
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


def test_a_bad_message_does_not_stop_the_others(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with reading("progress-a") as client:
            for bad in (b"\xff", b"[]", b"", b"1-2\n", b"x-y\na\nb\nc", b"5\n5\n5\n5"):
                valkey.client().publish(key_of("progress-a"), bad)
                valkey.client().publish(kick.TOPIC, bad)
            valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 1})
            await client.until(b'"seq": 1')

    run(scenario())
