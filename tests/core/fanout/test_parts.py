"""Parts die, fail, pause and end; the whole stands where they leave it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from dramatiq.brokers.stub import StubBroker

from apps.core import fanout, shutdown
from apps.core.budget import ErrorBudget
from apps.core.errors import ItemFailed, JobPutOff
from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker
from apps.core.verbs import resume
from tests.core.fanout.bench import (
    at_item,
    bench,
    count_all,
    counts,
    fresh,
    killed_mid_item,
    parts_of,
    rung,
    shared_out,
    statuses,
    work,
    work_all,
)
from workers.upkeep import ring_again, settle_stale_jobs

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_part_whose_worker_dies_goes_on_where_it_was(alice: User) -> None:
    job = shared_out(alice)
    with killed_mid_item(6):
        work(parts_of(job)[1])

    ended = work_all(job)

    assert ended.status == Status.COMPLETED
    assert counts(ended) == {"done": 11, "skipped": 0, "failed": 0, "in_doubt": 1, "left": 0}
    assert sorted(bench.done) == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12]


def test_when_all_parts_are_put_off_the_whole_says_why_and_until_when(alice: User) -> None:
    job = shared_out(alice, number=2)
    away = JobPutOff(60, "The mail server is away.")
    for n in (1, 5):
        bench.broken[n] = away
    work_all(job)
    waiting = snapshot(fresh(job))

    bench.broken.clear()
    SSEProgress.objects.filter(parent_id=job.pk).update(not_before=None)
    work(parts_of(job)[0])

    assert waiting["message"].startswith("The mail server is away. ")
    assert 50 < waiting["resumes_in_s"] <= 60
    going_on = snapshot(fresh(job))
    assert (going_on["status"], going_on["message"], going_on["resumes_in_s"]) == (
        *("running", ""),
        None,
    )


def test_a_shared_out_job_is_not_stale_however_long_its_parts_take(alice: User) -> None:
    job = shared_out(alice)
    SSEProgress.objects.filter(pk=job.pk).update(updated_at=timezone.now() - timedelta(hours=3))

    settle_stale_jobs()

    assert (fresh(job).status, fresh(job).seq) == (Status.RUNNING, job.seq)


def test_an_attempt_that_was_thought_dead_and_shares_out_is_not_settled(alice: User) -> None:
    from apps.core.verbs import settle_abandoned

    job = count_all.start_for(alice, number=2, size=2)
    seen: list[SSEProgress] = []

    def work_out(progress: ProgressTracker, number: int, size: int) -> None:
        SSEProgress.objects.filter(pk=progress.job_id).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
        seen.extend(SSEProgress.objects.lease_lost())
        count_all.fn(progress, number, size)

    run(job.job_id, work_out)
    stale = seen[0]
    # Even if the epoch were the same.
    stale.epoch = fresh(job).epoch

    assert settle_abandoned(stale) is None
    assert fresh(job).status == Status.RUNNING


def test_a_whole_whose_parts_all_ended_without_anybody_noticing_is_ended_by_the_scheduler(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = shared_out(alice)
    with monkeypatch.context() as patch:
        patch.setattr(fanout.summing, "part_changed", lambda part: None)
        assert work_all(job).status == Status.RUNNING

    assert fanout.tend(fresh(job))
    seq = fresh(job).seq
    assert not fanout.tend(fresh(job))

    assert (fresh(job).status, fresh(job).seq) == (Status.COMPLETED, seq)
    assert counts(fresh(job))["done"] == 12


def test_the_scheduler_brings_forgotten_sums_up_to_date(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = shared_out(alice)
    with monkeypatch.context() as patch:
        patch.setattr(fanout.summing, "part_changed", lambda part: None)
        work(parts_of(job)[0])

    fanout.tend(fresh(job))

    assert (fresh(job).status, counts(fresh(job))["done"]) == (Status.RUNNING, 4)


def test_a_part_that_fails_lets_the_others_end_and_the_whole_says_why(alice: User) -> None:
    def broken(progress: ProgressTracker, **_: Any) -> None:
        raise RuntimeError("password=hunter2")

    job = shared_out(alice)
    run(parts_of(job)[1].job_id, broken)
    assert fresh(job).status == Status.RUNNING

    ended = work_all(job)

    assert ended.status == Status.FAILED
    assert counts(ended) == {"done": 8, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 4}
    message = snapshot(ended)["error"]["message"]
    assert "1 of 3" in message or "1 sur 3" in message
    assert "hunter2" not in message


def test_a_part_that_pauses_itself_pauses_the_whole_with_its_reason(alice: User) -> None:
    bench.broken = {n: ItemFailed("The printer is on fire") for n in range(1, 5)}
    job = shared_out(alice)

    work(parts_of(job)[0], ErrorBudget(percent=50, of=2))

    paused = fresh(job)
    assert (paused.status, statuses(job)) == (Status.PAUSED, [Status.PAUSED] * 3)
    assert paused.error["code"] == "budget"
    assert "The printer is on fire" in paused.error["params"]["samples"]

    bench.broken = {}
    assert resume(paused).status == Status.RUNNING
    ended = work_all(job)
    assert (ended.status, ended.error, counts(ended)["failed"]) == (Status.COMPLETED, {}, 2)


def test_a_worker_that_stops_hands_its_part_back(alice: User) -> None:
    job = shared_out(alice)
    at_item(6, shutdown.stopping.set)

    work(parts_of(job)[1])
    shutdown.stopping.clear()

    assert statuses(job) == [Status.PENDING] * 3
    assert (fresh(job).status, counts(fresh(job))["done"]) == (Status.RUNNING, 2)


def test_the_scheduler_rings_for_parts_whose_message_was_lost(
    alice: User, broker: StubBroker
) -> None:
    job = shared_out(alice)
    rung(broker)
    job.parts.update(enqueued_at=None)

    ring_again()

    assert sorted(rung(broker)) == sorted(part.job_id for part in parts_of(job))
