"""A retry or a decision about the whole reaches just those parts that it is about."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from dramatiq.brokers.stub import StubBroker

from apps.core import decisions
from apps.core.errors import ItemFailed, ItemInDoubt, NotPossibleNowError
from apps.core.models import Decision, JobItem, SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot, snapshot_for_reader
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker
from apps.core.verbs import VERBS, cancel, pause, resume, retry
from tests.core.fanout.bench import (
    at_item,
    bench,
    count_all,
    counts,
    fresh,
    parts_of,
    rung,
    shared_out,
    statuses,
    work,
    work_all,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_retry_reaches_the_parts_with_something_left_and_no_other(
    alice: User, broker: StubBroker
) -> None:
    bench.broken = {2: ItemFailed("no"), 10: ItemFailed("no"), 11: ItemFailed("no")}
    job = shared_out(alice)
    work_all(job)
    bench.broken = {11: ItemFailed("no")}
    bench.done.clear()
    rung(broker)

    retried = retry(fresh(job))

    assert retried.status == Status.RUNNING
    assert counts(retried) == {"done": 9, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 3}
    first, second, third = parts_of(job)
    assert statuses(job) == [Status.PENDING, Status.COMPLETED, Status.PENDING]
    assert rung(broker) == [first.job_id, third.job_id]
    ended = work_all(job)
    assert sorted(bench.done) == [2, 10]
    assert fresh(second).epoch == second.epoch
    assert (ended.status, counts(ended)["failed"], counts(ended)["done"]) == ("completed", 1, 11)
    assert snapshot(ended)["result"]["summary"] == "11 of 12 counted"


def test_a_retry_of_a_cancelled_whole_does_the_rest(alice: User) -> None:
    job = shared_out(alice)
    at_item(6, lambda: cancel(fresh(job)))
    work(parts_of(job)[0])
    work(parts_of(job)[1])
    bench.before_item = lambda n: None

    retry(fresh(job))
    ended = work_all(job)

    assert ended.status == Status.COMPLETED
    assert sorted(bench.done) == list(range(1, 13))


def test_a_failed_part_is_retried_though_it_has_no_failed_items(alice: User) -> None:
    def broken(progress: ProgressTracker, **_: Any) -> None:
        raise RuntimeError

    job = shared_out(alice)
    run(parts_of(job)[1].job_id, broken)
    work_all(job)

    assert retry(fresh(job)).error == {}
    assert work_all(job).status == Status.COMPLETED


def test_nothing_left_means_no_retry(alice: User) -> None:
    job = work_all(shared_out(alice))

    with pytest.raises(NotPossibleNowError):
        retry(job)


def test_a_part_can_not_be_steered_by_itself(alice: User) -> None:
    part = parts_of(shared_out(alice))[0]

    for status in Status:
        SSEProgress.objects.filter(pk=part.pk).update(status=status)
        assert snapshot_for_reader(fresh(part))["actions"] == []
        for verb in VERBS.values():
            with pytest.raises(NotPossibleNowError):
                verb(fresh(part))
        assert fresh(part).status == status


def test_a_wish_with_an_old_copy_of_the_row_reaches_the_parts_too(alice: User) -> None:
    before = count_all.start_for(alice, number=3, size=4)
    run(before.job_id, count_all.fn)

    cancel(before)

    assert statuses(before) == [Status.CANCELLED] * 3


def test_a_decision_about_the_whole_is_one_about_its_parts_items(alice: User) -> None:
    bench.broken = {2: ItemInDoubt("?"), 7: ItemInDoubt("?"), 12: ItemInDoubt("?")}
    job = work_all(shared_out(alice))
    assert len(decisions.possible(job)) == 3
    two = JobItem.objects.get(ref="No 2")

    decisions.decide(job, Decision.DONE, alice, item=two.pk)
    assert counts(fresh(job))["in_doubt"] == 2
    decisions.decide(fresh(job), Decision.SKIP, alice)

    assert counts(fresh(job)) == {"done": 10, "skipped": 2, "failed": 0, "in_doubt": 0, "left": 0}
    assert fresh(job).status == Status.COMPLETED
    assert [counts(part)["skipped"] for part in parts_of(job)] == [0, 1, 1]


def test_doing_again_starts_only_the_part_that_has_the_item(
    alice: User, broker: StubBroker
) -> None:
    bench.broken = {7: ItemInDoubt("?")}
    job = work_all(shared_out(alice))
    bench.broken = {}
    bench.done.clear()
    rung(broker)

    decided = decisions.decide(job, Decision.AGAIN, alice)

    assert (decided.waits, decided.job.status) == (False, Status.RUNNING)
    assert statuses(job) == [Status.COMPLETED, Status.PENDING, Status.COMPLETED]
    assert rung(broker) == [parts_of(job)[1].job_id]
    ended = work_all(job)
    assert (ended.status, counts(ended)["done"], bench.done) == (Status.COMPLETED, 12, [7])


def test_what_is_to_be_done_again_in_a_paused_whole_is_done_when_it_is_resumed(
    alice: User,
) -> None:
    bench.broken = {2: ItemInDoubt("?")}
    job = shared_out(alice)
    work(parts_of(job)[0])
    pause(fresh(job))
    bench.broken = {}

    decided = decisions.decide(fresh(job), Decision.AGAIN, alice)
    assert (decided.waits, statuses(job)[0]) == (True, Status.COMPLETED)
    resume(fresh(job))

    assert (work_all(job).status, counts(fresh(job))["done"]) == (Status.COMPLETED, 12)


def test_nothing_is_decided_about_a_part_by_itself(alice: User) -> None:
    bench.broken = {2: ItemInDoubt("?")}
    part = parts_of(work_all(shared_out(alice)))[0]

    assert decisions.possible(part) == []
    with pytest.raises(NotPossibleNowError):
        decisions.decide(part, Decision.DONE, alice)
