"""A job is shared out once, all or nothing, and its sums follow its parts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from dramatiq.brokers.stub import StubBroker

from apps.core import fanout
from apps.core.errors import AlreadyCountedError, ItemFailed, ItemInDoubt
from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from apps.core.testing import RecordingTracker
from apps.core.tracker import ProgressTracker
from apps.core.verbs import cancel, pause
from tests.core.fanout.bench import (
    Killed,
    bench,
    count_all,
    count_part,
    counts,
    fresh,
    parts_of,
    rung,
    shared_out,
    work,
    work_all,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_is_shared_out_in_parts_that_are_rung_for(alice: User, broker: StubBroker) -> None:
    job = shared_out(alice)

    assert (job.status, job.fanned_out, job.lease_until, job.worker) == ("running", True, None, "")
    assert (job.total_items, counts(job)["left"]) == (12, 12)
    made = parts_of(job)
    assert [part.part for part in made] == [1, 2, 3]
    assert {(p.user_id, p.language, p.title, p.status) for p in made} == {
        (alice.pk, job.language, "Counting", "pending")
    }
    assert rung(broker) == [job.job_id, *(part.job_id for part in made)]


def test_the_sums_follow_the_parts_and_the_last_one_ends_the_whole(alice: User) -> None:
    job = shared_out(alice)
    first, second, third = parts_of(job)

    work(first)
    assert (fresh(job).status, counts(fresh(job))["done"]) == (Status.RUNNING, 4)
    work(second)
    work(third)

    ended = fresh(job)
    assert ended.status == Status.COMPLETED
    assert counts(ended) == {"done": 12, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 0}
    assert ended.finished_at is not None
    state = snapshot(ended)
    assert (state["percent"], state["result"]["summary"]) == (100, "12 of 12 counted")


def test_outcomes_of_the_parts_are_the_outcomes_of_the_whole(alice: User) -> None:
    bench.broken = {2: ItemFailed("no"), 7: ItemInDoubt("who knows"), 12: ItemFailed("no")}

    ended = work_all(shared_out(alice))

    assert ended.status == Status.COMPLETED
    assert counts(ended) == {"done": 9, "skipped": 0, "failed": 2, "in_doubt": 1, "left": 0}
    warnings = snapshot(ended)["warnings"]
    assert warnings["total"] == 3
    assert [each["ref"] for each in warnings["items"]] == ["No 2", "No 7", "No 12"]


def test_a_job_of_no_parts_is_completed(alice: User) -> None:
    job = shared_out(alice, number=0)

    assert (job.status, job.total_items) == (Status.COMPLETED, 0)


def test_the_total_is_unknown_while_one_part_does_not_know_its_own(alice: User) -> None:
    def work_out(progress: ProgressTracker, **_: Any) -> None:
        progress.fan_out(count_part, [{"first": 1, "last": 2}, {"first": 3, "last": 5, "total": 3}])

    job = count_all.start_for(alice, number=0, size=0)
    run(job.job_id, work_out)
    assert fresh(job).total_items is None

    work(parts_of(job)[0])

    assert fresh(job).total_items == 5


def test_a_job_that_has_counted_items_is_not_shared_out(alice: User) -> None:
    errors: list[str] = []

    def work_out(progress: ProgressTracker, **_: Any) -> None:
        for _item in progress.track(range(2)):
            pass
        assert progress.resumed
        try:
            progress.fan_out(count_part, [])
        except AlreadyCountedError as error:
            errors.append(str(error))

    job = count_all.start_for(alice, number=0, size=0)
    run(job.job_id, work_out)

    assert (fresh(job).status, fresh(job).fanned_out, len(errors)) == ("completed", False, 1)


@pytest.mark.parametrize("point", ["create", "sum_up"])
def test_an_attempt_that_dies_while_it_makes_the_parts_leaves_none_and_the_next_makes_them_once(
    alice: User, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    job = count_all.start_for(alice, number=5, size=2)
    real_insert, real_sum_up = SSEProgress.objects.bulk_create, fanout.sum_up

    def half(rows: list[SSEProgress], **options: Any) -> None:
        real_insert(rows[:2], **options)
        raise Killed

    def dying(row: SSEProgress) -> SSEProgress:
        real_sum_up(row)
        raise Killed

    with monkeypatch.context() as patch:
        if point == "create":
            patch.setattr(SSEProgress.objects, "bulk_create", half)
        else:
            patch.setattr(fanout, "sum_up", dying)
        with pytest.raises(Killed):
            run(job.job_id, count_all.fn)
    assert (fresh(job).fanned_out, fresh(job).parts.count()) == (False, 0)

    run(job.job_id, count_all.fn)

    assert [part.part for part in parts_of(job)] == [1, 2, 3, 4, 5]


def test_parts_that_there_are_already_are_not_made_again(alice: User) -> None:
    job = count_all.start_for(alice, number=3, size=4)
    there = SSEProgress.objects.create(
        parent=job,
        part=2,
        user=alice,
        task_type="counting_part",
        actor=count_part.actor_name,
        queue="default",
        args={"kwargs": {"first": 5, "last": 8}},
        total_items=4,
    )

    run(job.job_id, count_all.fn)

    assert [part.part for part in parts_of(job)] == [1, 2, 3]
    assert parts_of(job)[1] == there
    assert work_all(job).status == Status.COMPLETED
    assert sorted(bench.done) == list(range(1, 13))


def test_a_doubled_message_of_a_shared_out_job_does_nothing(alice: User) -> None:
    job = shared_out(alice)

    run(job.job_id, count_all.fn)

    assert (fresh(job).parts.count(), fresh(job).epoch) == (3, job.epoch)


def test_the_attempt_that_shared_out_can_not_write_any_more(alice: User) -> None:
    trackers: list[ProgressTracker] = []

    def work_out(progress: ProgressTracker, number: int, size: int) -> None:
        trackers.append(progress)
        count_all.fn(progress, number, size)

    job = count_all.start_for(alice, number=3, size=4)
    run(job.job_id, work_out)

    assert not SSEProgress.objects.renew(job.job_id, trackers[0].ticker.job.epoch)
    assert not trackers[0].ticker.beat()
    assert fresh(job).lease_until is None


def test_a_wish_that_comes_before_the_parts_are_made_is_granted(alice: User) -> None:
    def work_out(progress: ProgressTracker, number: int, size: int) -> None:
        cancel(SSEProgress.objects.get(pk=progress.job_id))
        count_all.fn(progress, number, size)

    job = count_all.start_for(alice, number=3, size=4)
    run(job.job_id, work_out)

    assert (fresh(job).status, fresh(job).parts.count()) == (Status.CANCELLED, 0)


def test_a_wish_that_comes_while_the_parts_are_made_is_granted(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fanout.share_out

    def late(job: SSEProgress, *rest: Any) -> bool:
        pause(fresh(job))
        return real(job, *rest)

    monkeypatch.setattr(fanout, "share_out", late)
    job = shared_out(alice)

    assert (job.status, job.fanned_out, job.parts.count()) == (Status.PAUSED, False, 0)


def test_a_tester_sees_all_parts_through_one_recorder() -> None:
    tracker = RecordingTracker()

    tracker.fan_out(count_part, [{"first": 1, "last": 2, "total": 2}, {"first": 3, "last": 3}])

    assert tracker.done == ["1", "2", "3"]
