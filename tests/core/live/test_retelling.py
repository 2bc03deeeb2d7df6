"""What Valkey has lost is told again from the rows: once a channel, and not by each reader."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from apps.core.live import retelling
from apps.core.live.channels import job_channel
from apps.core.live.hub import current_hub
from apps.core.live.states import State, states_of
from apps.core.models import SSEProgress
from apps.core.statuses import Status
from tests.core.live.scene import PATIENCE_SECONDS, Client, OwnValkey, reading, run

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

RESET = b"event: stream-reset\n"


def make_jobs(count: int, **facts: Any) -> list[SSEProgress]:
    usual = {"task_type": "walk", "title": "Walk", "status": Status.RUNNING, "seq": 7, **facts}
    return [SSEProgress.objects.create(job_id=f"job-{n}", **usual) for n in range(count)]


def publish(valkey: OwnValkey, job: SSEProgress, seq: int) -> None:
    told = {"job_id": job.job_id, "seq": seq}
    valkey.publish(job_channel(job.job_id), "progress", told)


async def lose_everything(valkey: OwnValkey) -> None:
    await asyncio.to_thread(valkey.stop)
    await asyncio.to_thread(valkey.start)


def test_where_a_job_stands_is_told_to_all_who_watch_it(valkey: OwnValkey) -> None:
    (job,) = make_jobs(1)
    channel = job_channel(job.job_id)
    publish(valkey, job, 3)

    async def scenario() -> None:
        async with reading(channel) as one, reading(channel, "jobs-5") as other:
            await lose_everything(valkey)
            await one.until(b'"seq": 7')
            await other.until(b'"seq": 7')

            assert RESET not in one.read
            # What comes later goes on from there, and back to there.
            publish(valkey, job, 8)
            await one.until(b'"seq": 8')
        async with reading(channel, resume=one.last_id) as again:
            assert again.seqs == []
            assert RESET not in again.read

    run(scenario())


@pytest.mark.parametrize(
    ("status", "kind"),
    [(Status.COMPLETED, b"event: complete\n"), (Status.CANCELLED, b"event: error\n")],
)
def test_an_end_that_was_lost_is_told_as_an_end(
    valkey: OwnValkey, status: Status, kind: bytes
) -> None:
    (job,) = make_jobs(1, status=status)
    publish(valkey, job, 3)

    async def scenario() -> None:
        async with reading(job_channel(job.job_id)) as client:
            await lose_everything(valkey)
            await client.until(b'"seq": 7')
            assert kind in client.read

    run(scenario())


def test_what_has_come_meanwhile_is_not_told_over(
    valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = make_jobs(1)
    publish(valkey, job, 3)

    watching: list[Client] = []

    def slow_states_of(job_ids: Iterable[str]) -> Iterator[State]:
        found = list(states_of(job_ids))
        publish(valkey, job, 9)
        until = time.monotonic() + PATIENCE_SECONDS
        while b'"seq": 9' not in watching[0].read and time.monotonic() < until:
            time.sleep(0.01)
        return iter(found)

    monkeypatch.setattr(retelling, "states_of", slow_states_of)

    async def scenario() -> None:
        async with reading(job_channel(job.job_id)) as client:
            watching.append(client)
            await lose_everything(valkey)
            await client.until(b'"seq": 9')
            publish(valkey, job, 10)
            await client.until(b'"seq": 10')
            assert client.seqs == [9, 10]

    run(scenario())


@pytest.mark.parametrize("channel", ["progress-gone", "jobs-5"])
def test_what_no_row_tells_is_read_anew(valkey: OwnValkey, channel: str) -> None:
    valkey.publish(channel, "progress", {"job_id": "gone", "seq": 1})

    async def scenario() -> None:
        async with reading(channel) as client:
            await lose_everything(valkey)
            await client.until(RESET)

    run(scenario())


def test_a_row_that_cannot_be_told_does_not_silence_the_others(
    valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = make_jobs(2)

    def failing(job_ids: Iterable[str]) -> Iterator[State]:
        raise RuntimeError("a row from another world")

    monkeypatch.setattr(retelling, "states_of", failing)
    for job in jobs:
        publish(valkey, job, 3)

    async def scenario() -> None:
        async with (
            reading(job_channel(jobs[0].job_id)) as one,
            reading(job_channel(jobs[1].job_id)) as other,
        ):
            await lose_everything(valkey)
            await one.until(RESET)
            await other.until(RESET)

    run(scenario())


def test_many_channels_share_a_look_at_the_rows(
    valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = make_jobs(40)
    looks: list[int] = []

    def counted(job_ids: Iterable[str]) -> Iterator[State]:
        wanted = list(job_ids)
        looks.append(len(wanted))
        return states_of(wanted)

    monkeypatch.setattr(retelling, "states_of", counted)
    for job in jobs:
        publish(valkey, job, 3)

    async def scenario() -> None:
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(reading(job_channel(job.job_id))) for job in jobs
            ]
            await lose_everything(valkey)
            for client in clients:
                await client.until(b'"seq": 7')
            # The thread ends with its work.
            while current_hub().retelling.task is not None:
                await asyncio.sleep(0.01)

        assert sum(looks) == 40
        assert len(looks) <= 3

    run(scenario())
