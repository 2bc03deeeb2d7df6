"""Who comes back has missed nothing, is sent what was missed, or is told to read anew."""

from __future__ import annotations

import asyncio
import random

import pytest

from apps.core.live import history
from apps.core.live.event import parse_resume_id
from apps.core.live.serving import Resume
from tests.core.live.scene import (
    OwnValkey,
    reading,
    run,
)

pytestmark = pytest.mark.integration


def test_who_has_missed_nothing_is_sent_nothing(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        last = valkey.publish("progress-a", "progress", {"job_id": "a"})
        async with reading("progress-a", resume={"progress-a": last}) as client:
            await asyncio.sleep(0.1)
            assert client.read.endswith(b"event: stream-open\ndata:\n\n")

    run(scenario())


def test_what_was_missed_is_replayed_once(valkey: OwnValkey) -> None:
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


def test_who_was_there_before_the_first_event_gets_it(valkey: OwnValkey) -> None:
    async def scenario() -> None:
        async with reading("progress-a") as client:
            place = client.last_id
        assert place == {"progress-a": history.beginning(valkey.client())}
        valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 1})
        async with reading("progress-a", resume=place) as client:
            await client.until(b'"seq": 1')

    run(scenario())


def test_who_was_there_before_an_event_that_is_lost_is_told_to_read_anew(
    valkey: OwnValkey,
) -> None:
    place = {"progress-a": history.beginning(valkey.client())}
    valkey.publish("progress-a", "complete", {"job_id": "a", "seq": 1})
    valkey.client().flushall()

    async def scenario() -> None:
        async with reading("progress-a", resume=place) as client:
            await client.until(b"event: stream-reset\n")

    run(scenario())


@pytest.mark.parametrize(
    "last_id", ["progress-a:nonsense", "progress-a:99999999999", "progress-a:-1", "progress-a:"]
)
def test_a_place_that_is_not_known_is_told_to_read_anew(valkey: OwnValkey, last_id: str) -> None:
    async def scenario() -> None:
        newest = valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 1})
        async with reading("progress-a", resume=parse_resume_id(last_id)) as client:
            reset = b"event: stream-reset\nid: progress-a:%d\n" % newest
            await client.until(reset + b'data: {"channels": ["progress-a"]}\n\n')
            valkey.publish("progress-a", "progress", {"job_id": "a", "seq": 2})
            await client.until(b'"seq": 2')

    run(scenario())


def test_nothing_falls_between_while_events_come_and_streams_open_and_end(
    valkey: OwnValkey,
) -> None:
    async def scenario() -> None:
        seen: list[int] = []
        place: Resume = {"jobs-5": history.beginning(valkey.client())}

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
