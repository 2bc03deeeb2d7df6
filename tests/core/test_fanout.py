"""One job over many workers: made once, summed up at every moment, ended by exactly one."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from dramatiq.brokers.stub import StubBroker

from apps.core import decisions, fanout, job_list, parts, shutdown
from apps.core.actors import progress_actor
from apps.core.budget import ErrorBudget
from apps.core.errors import AlreadyCountedError, ItemFailed, ItemInDoubt, NotPossibleNowError
from apps.core.models import Decision, JobItem, Outcome, SSEProgress
from apps.core.pulse import pulse
from apps.core.runner import run
from apps.core.snapshot import snapshot, snapshot_for_reader
from apps.core.statuses import LEASED, TERMINAL, TRANSITIONS, Status
from apps.core.testing import RecordingTracker
from apps.core.tracker import ProgressTracker
from apps.core.verbs import VERBS, cancel, pause, resume, retry
from tests.support.database import shared_by_threads
from workers.upkeep import ring_again, settle_stale_jobs

pytestmark = pytest.mark.django_db(transaction=True)

Events = list[tuple[str, str, dict[str, Any]]]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the attempt's own code runs after it."""


class Bench:
    """What the items of the tests' parts meet with."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.broken: dict[int, Exception] = {}
        self.before_item: Callable[[int], None] = lambda n: None
        self.done: list[int] = []


bench = Bench()


@progress_actor(task_type="counting_part", queue_name="default", unit=("number", "numbers"))
def count_part(progress: ProgressTracker, first: int, last: int) -> None:
    """Count from one number to another."""
    numbers = range(first, last + 1)
    for n in progress.track(numbers, key=str):
        with progress.item(n, ref=f"No {n}", irreversible=True):
            bench.before_item(n)
            if n in bench.broken:
                raise bench.broken[n]
            bench.done.append(n)


@progress_actor(task_type="counting", queue_name="default", title="Counting")
def count_all(progress: ProgressTracker, number: int, size: int) -> None:
    """Count in parts."""
    progress.result("%(done)s of %(total)s counted")
    progress.fan_out(
        count_part,
        [
            {"first": size * part + 1, "last": size * (part + 1), "total": size}
            for part in range(number)
        ],
    )
    raise AssertionError("nothing behind fan_out() is run")


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    bench.reset()
    settings.PROGRESS_FLUSH_SECONDS = 0
    fanout.summing.__init__()  # type: ignore[misc]
    yield
    shutdown.stopping.clear()


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    before = dramatiq.get_broker()
    stub = StubBroker(middleware=[])
    stub.declare_queue("default")
    dramatiq.set_broker(stub)
    yield stub
    dramatiq.set_broker(before)


@pytest.fixture
def shared(tmp_path: Path, transactional_db: None) -> Iterator[None]:
    with shared_by_threads(tmp_path):
        yield


def shared_out(owner: User | None, number: int = 3, size: int = 4) -> SSEProgress:
    """Give a job that its parts go on with."""
    job = count_all.start_for(owner, number=number, size=size)
    run(job.job_id, count_all.fn)
    return fresh(job)


def fresh(job: SSEProgress) -> SSEProgress:
    return SSEProgress.objects.get(pk=job.pk)


def parts_of(job: SSEProgress) -> list[SSEProgress]:
    return list(job.parts.order_by("part"))


def work(part: SSEProgress, budget: ErrorBudget | None = None) -> SSEProgress:
    run(part.job_id, count_part.fn, budget)
    return fresh(part)


def work_all(job: SSEProgress) -> SSEProgress:
    for part in parts_of(job):
        work(part)
    return fresh(job)


def counts(job: SSEProgress) -> dict[str, int | None]:
    return job.books.counts()


def statuses(job: SSEProgress) -> list[str]:
    return [part.status for part in parts_of(job)]


def rung(broker: StubBroker) -> list[str]:
    """Take the messages and give the jobs they are about."""
    queue = broker.queues["default"]
    found = []
    while not queue.empty():
        found.append(dramatiq.Message.decode(queue.get()).options["progress_id"])
    return found


def at_item(n: int, act: Callable[[], object]) -> None:
    def before(number: int) -> None:
        if number == n:
            act()

    bench.before_item = before


def die() -> None:
    raise Killed


@contextmanager
def killed_mid_item(n: int) -> Iterator[None]:
    at_item(n, die)
    with pytest.raises(Killed):
        yield
    bench.before_item = lambda number: None


# Sharing out --------------------------------------------------------------------------------------


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


# Parts that die, fail and end ---------------------------------------------------------------------


def test_a_part_whose_worker_dies_goes_on_where_it_was(alice: User) -> None:
    job = shared_out(alice)
    with killed_mid_item(6):
        work(parts_of(job)[1])

    ended = work_all(job)

    assert ended.status == Status.COMPLETED
    assert counts(ended) == {"done": 11, "skipped": 0, "failed": 0, "in_doubt": 1, "left": 0}
    assert sorted(bench.done) == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12]


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


# What people ask for ------------------------------------------------------------------------------


def test_the_arrows_that_parts_take_together_are_those_of_the_table() -> None:
    taken = {arrow for wishes in parts.WISHES.values() for arrow in wishes.items()}

    assert taken <= TRANSITIONS


def test_a_cancel_ends_waiting_parts_at_once_and_the_whole_when_the_last_one_has_confirmed(
    alice: User,
) -> None:
    job = shared_out(alice)
    seen: list[tuple[str, list[str]]] = []

    def stop() -> None:
        cancel(fresh(job))
        seen.append((fresh(job).status, statuses(job)))

    at_item(2, stop)
    work(parts_of(job)[0])

    assert seen == [(Status.CANCELLING, [Status.CANCELLING, Status.CANCELLED, Status.CANCELLED])]
    assert (fresh(job).status, statuses(job)) == (Status.CANCELLED, [Status.CANCELLED] * 3)
    assert counts(fresh(job)) == {"done": 2, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 10}


def test_a_cancel_before_any_part_has_begun_is_final_at_once(alice: User, events: Events) -> None:
    job = shared_out(alice)

    assert cancel(job).status == Status.CANCELLED
    assert (events[-1][0], events[-1][1]) == (f"jobs-{alice.pk}", "error")
    assert events[-1][2]["status"] == "cancelled"
    assert work_all(job).processed_items == 0


def test_a_cancel_that_comes_too_late_for_every_part_leaves_the_job_completed(alice: User) -> None:
    job = shared_out(alice, number=1, size=1)
    SSEProgress.objects.filter(parent=job).update(status=Status.RUNNING)
    cancel(fresh(job))
    part = parts_of(job)[0]
    assert (part.status, fresh(job).status) == (Status.CANCELLING, Status.CANCELLING)

    row = SSEProgress.objects.move(part.job_id, Status.COMPLETED, processed_items=1)
    assert row is not None
    fanout.summing.part_changed(row)

    assert fresh(job).status == Status.COMPLETED


def test_the_whole_is_paused_when_the_last_part_under_way_is_and_can_go_on(
    alice: User, broker: StubBroker
) -> None:
    job = shared_out(alice)
    seen: list[tuple[str, list[str]]] = []

    def wait() -> None:
        pause(fresh(job))
        seen.append((fresh(job).status, statuses(job)))

    at_item(6, wait)
    work(parts_of(job)[1])
    assert seen == [(Status.PAUSING, [Status.PAUSED, Status.PAUSING, Status.PAUSED])]
    assert (fresh(job).status, statuses(job)) == (Status.PAUSED, [Status.PAUSED] * 3)
    work_all(job)
    assert counts(fresh(job))["done"] == 2
    rung(broker)

    resumed = resume(fresh(job))

    assert (resumed.status, resumed.lease_until, statuses(job)) == (
        Status.RUNNING,
        None,
        [Status.PENDING] * 3,
    )
    assert rung(broker) == [part.job_id for part in parts_of(job)]
    assert work_all(job).status == Status.COMPLETED
    assert sorted(bench.done) == list(range(1, 13))


def test_a_paused_whole_can_be_cancelled(alice: User) -> None:
    job = shared_out(alice)
    pause(job)

    assert cancel(fresh(job)).status == Status.CANCELLED
    assert statuses(job) == [Status.CANCELLED] * 3


def test_a_wish_whose_parts_are_dead_is_granted_by_the_scheduler(alice: User) -> None:
    job = shared_out(alice)
    part = parts_of(job)[0]
    SSEProgress.objects.filter(pk=part.pk).update(
        status=Status.RUNNING, lease_until=timezone.now() - timedelta(seconds=1)
    )
    cancel(fresh(job))
    assert fresh(job).status == Status.CANCELLING

    settle_stale_jobs()

    assert fresh(job).status == Status.CANCELLED


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


# Decisions ----------------------------------------------------------------------------------------


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


# What people see ----------------------------------------------------------------------------------


def test_parts_are_in_no_list(alice: User, client: Client) -> None:
    bench.broken = {2: ItemFailed("no")}
    job = shared_out(alice)
    work(parts_of(job)[0])
    client.force_login(alice)

    assert list(job_list.under_way(alice)) == [job]
    assert list(job_list.history(alice)) == [job]
    assert (job_list.overview(alice).running, job_list.overview(alice).waiting) == (1, 0)
    # Found by what is in a part's ledger.
    assert list(job_list.history(alice, search="No 2")) == [job]
    listed = client.get(reverse("core:sse_progress_list")).json()["jobs"]
    assert [each["job_id"] for each in listed] == [job.job_id]


def test_the_ledger_of_the_whole_is_that_of_its_parts(alice: User, client: Client) -> None:
    bench.broken = {2: ItemFailed("no"), 7: ItemInDoubt("who knows")}
    job = work_all(shared_out(alice))
    client.force_login(alice)

    assert [line.ref for line in job_list.ledger(job)] == ["No 2", "No 7"]
    assert [tab.count for tab in job_list.ledger_tabs(job)] == [2, 1, 1]
    answer = client.get(reverse("core:sse_progress_items", args=[job.job_id]))
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "No 2" in text
    assert "No 7" in text
    assert b"No 7" in client.get(reverse("core:job", args=[job.job_id])).content


def test_a_person_decides_on_the_page_of_the_whole(alice: User, client: Client) -> None:
    bench.broken = {7: ItemInDoubt("who knows")}
    job = work_all(shared_out(alice))
    client.force_login(alice)
    url = reverse("core:sse_progress_decide", args=[job.job_id])

    answer = client.post(
        url,
        {"decision": "done", "key": JobItem.objects.get().pk},
        headers={"Accept": "application/json"},
    )

    assert answer.json()["counts"]["done"] == 12


def test_another_reader_sees_neither_the_whole_nor_a_part(
    alice: User, bob: User, client: Client
) -> None:
    job = shared_out(alice)
    client.force_login(bob)

    for each in (job, parts_of(job)[0]):
        url = reverse("core:sse_progress_detail", args=[each.job_id])
        assert client.get(url).status_code == 404


def test_the_events_of_parts_are_in_nobodys_list(alice: User, events: Events) -> None:
    job = work_all(shared_out(alice))

    listed = {data["job_id"] for channel, _, data in events if channel == f"jobs-{alice.pk}"}
    assert listed == {job.job_id}
    mine = [data for channel, _, data in events if channel == f"progress-{job.job_id}"]
    assert [data["seq"] for data in mine] == sorted(data["seq"] for data in mine)
    assert (mine[-1]["kind"], mine[-1]["current"]) == ("complete", 12)


def test_the_whole_is_alive_while_one_of_its_parts_is(alice: User) -> None:
    job = shared_out(alice)
    assert snapshot(job)["worker"] is None
    first, second, _ = parts_of(job)
    SSEProgress.objects.filter(pk=first.pk).update(
        status=Status.RUNNING, lease_until=timezone.now() - timedelta(seconds=9)
    )
    assert snapshot(fresh(job))["worker"]["alive"] is False

    SSEProgress.objects.filter(pk=second.pk).update(
        status=Status.RUNNING, lease_until=timezone.now() + timedelta(seconds=9)
    )

    assert snapshot(fresh(job))["worker"]["alive"] is True


# Throttle -----------------------------------------------------------------------------------------


def test_many_writes_of_parts_are_one_write_of_the_whole(alice: User, settings: Any) -> None:
    job = shared_out(alice)
    settings.PROGRESS_FLUSH_SECONDS = 3600
    part = parts_of(job)[0]
    SSEProgress.objects.filter(pk=job.pk).update(updated_at=timezone.now() - timedelta(hours=2))

    seqs = []
    for _ in range(5):
        fanout.summing.part_changed(part)
        # Another process knows nothing of this one's clock, but of the row.
        fanout.Summing().part_changed(part)
        seqs.append(fresh(job).seq)

    assert set(seqs) == {job.seq + 1}


def test_a_sum_that_was_held_back_is_written_later(alice: User, settings: Any) -> None:
    job = shared_out(alice)
    part = parts_of(job)[0]
    SSEProgress.objects.filter(pk=part.pk).update(processed_items=3)
    settings.PROGRESS_FLUSH_SECONDS = 3600
    fanout.summing.part_changed(fresh(part))
    assert fresh(job).processed_items == 0
    assert fanout.summing.beat()

    settings.PROGRESS_FLUSH_SECONDS = 0

    assert not fanout.summing.beat()
    assert fresh(job).processed_items == 3


def test_the_pulse_sums_up_while_the_items_go_on(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = shared_out(alice)
    settings.PROGRESS_PULSE = True
    joined: list[object] = []
    monkeypatch.setattr(pulse, "join", joined.append)

    fanout.summing.part_changed(parts_of(job)[0])

    assert (joined, fresh(job).seq) == ([fanout.summing], job.seq)
    assert not fanout.summing.beat()
    assert fresh(job).seq == job.seq + 1


def test_a_clock_that_was_put_back_does_not_stop_the_sums(alice: User, settings: Any) -> None:
    job = shared_out(alice)
    settings.PROGRESS_FLUSH_SECONDS = 0.25
    SSEProgress.objects.filter(pk=job.pk).update(updated_at=timezone.now() + timedelta(hours=1))

    fanout.summing.part_changed(parts_of(job)[0])

    assert fresh(job).seq > job.seq


# Races, on real databases -------------------------------------------------------------------------


class Crew:
    """Threads that do parts, and whatever else is to happen at the same time."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def start(self, target: Callable[..., object], *arguments: Any) -> None:
        def guarded() -> None:
            try:
                target(*arguments)
            except BaseException as error:  # noqa: BLE001 (told by join)
                self.errors.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=guarded)
        self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
        assert self.errors == []


def books_hold(job: SSEProgress, seen: list[dict[str, Any]]) -> None:
    """Read the row, and say so if it contradicts itself or what was read before."""
    row = fresh(job)
    books = row.books
    assert books.total == books.done + books.skipped + books.failed + books.in_doubt + (
        books.left or 0
    )
    assert books.processed <= (books.total or 0)
    if seen:
        assert row.seq >= seen[-1]["seq"]
        assert books.processed >= seen[-1]["processed"]
    seen.append({"seq": row.seq, "processed": books.processed, "status": row.status})


def ends(job: SSEProgress, events: Events) -> list[str]:
    channel = f"progress-{job.job_id}"
    over = {str(status) for status in TERMINAL}
    return [
        data["status"] for name, _, data in events if name == channel and data["status"] in over
    ]


@pytest.mark.usefixtures("shared")
def test_the_books_hold_at_every_moment_and_exactly_one_ends_the_whole(
    alice: User, events: Events, settings: Any
) -> None:
    settings.PROGRESS_FLUSH_SECONDS = 0.01
    job = shared_out(alice, number=8, size=8)
    bench.broken = {n: ItemFailed("no") for n in range(3, 64, 17)}
    bench.before_item = lambda n: time.sleep(random.uniform(0, 0.004))
    seen: list[dict[str, Any]] = []
    over = threading.Event()

    def poll() -> None:
        while not over.is_set():
            books_hold(job, seen)
            time.sleep(0.002)

    crew, poller = Crew(), Crew()
    poller.start(poll)
    todo = parts_of(job)
    for n in range(4):
        crew.start(lambda mine: [work(part) for part in mine], todo[n::4])
    crew.join()
    over.set()
    poller.join()

    ended = fresh(job)
    assert ended.status == Status.COMPLETED
    assert (ended.processed_items, ended.failed_items) == (64, 4)
    assert len({each["processed"] for each in seen}) > 5
    assert ends(job, events) == ["completed"]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("seed", range(4))
def test_parts_that_end_at_the_same_moment_end_the_whole_once(
    alice: User, events: Events, seed: int
) -> None:
    number = 6
    job = shared_out(alice, number=number, size=1)
    together = threading.Barrier(number)
    bench.before_item = lambda n: (together.wait(), None)[1]

    crew = Crew()
    for part in parts_of(job):
        crew.start(work, part)
    crew.join()

    assert fresh(job).status == Status.COMPLETED
    assert counts(fresh(job))["done"] == number
    assert ends(job, events) == ["completed"]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("seed", range(6))
def test_people_and_workers_at_the_same_time_leave_no_part_behind(
    alice: User, settings: Any, seed: int
) -> None:
    chance = random.Random(seed)
    settings.PROGRESS_FLUSH_SECONDS = 0.01
    job = shared_out(alice, number=6, size=3)
    bench.before_item = lambda n: time.sleep(random.uniform(0, 0.003))
    ended = threading.Event()

    def worker() -> None:
        """Take up parts as messages would come: doubled, in any order, as long as it takes."""
        while not ended.is_set():
            for part in random.sample(parts_of(job), 6):
                work(part)

    def people() -> None:
        for verb in (pause, resume, pause, resume, cancel, retry):
            time.sleep(chance.uniform(0, 0.02))
            try:
                verb(fresh(job))
            except NotPossibleNowError:
                continue

    def finisher() -> None:
        """Ask for the end of what was left paused or cancelled, until there is none."""
        people()
        deadline = time.monotonic() + 50
        while fresh(job).status != Status.COMPLETED and time.monotonic() < deadline:
            row = fresh(job)
            try:
                if row.status == Status.PAUSED:
                    resume(row)
                elif row.status in TERMINAL:
                    retry(row)
            except NotPossibleNowError:
                continue
            fanout.tend(fresh(job))
            time.sleep(0.005)
        ended.set()

    crew = Crew()
    for _ in range(3):
        crew.start(worker)
    crew.start(finisher)
    crew.join()

    assert fresh(job).status == Status.COMPLETED
    assert statuses(job) == [Status.COMPLETED] * 6
    assert counts(fresh(job))["done"] == 18
    assert sorted(bench.done) == list(range(1, 19))


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("seed", range(4))
def test_a_cancel_while_parts_are_taken_up_misses_none(alice: User, seed: int) -> None:
    job = shared_out(alice, number=8, size=50)
    bench.before_item = lambda n: time.sleep(0.002)
    together = threading.Barrier(5)

    def worker(mine: list[SSEProgress]) -> None:
        together.wait()
        for part in mine:
            work(part)

    def canceller() -> None:
        together.wait()
        time.sleep(0.003 * seed)
        cancel(fresh(job))

    crew = Crew()
    todo = parts_of(job)
    for n in range(4):
        crew.start(worker, todo[n::4])
    crew.start(canceller)
    crew.join()

    assert fresh(job).status == Status.CANCELLED
    assert set(statuses(job)) == {Status.CANCELLED}
    assert counts(fresh(job))["done"] == len(bench.done) < 400


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("verb", [cancel, pause])
def test_a_part_that_is_handed_back_at_that_very_moment_is_reached_too(
    alice: User, verb: Callable[[SSEProgress], SSEProgress]
) -> None:
    job = shared_out(alice, number=3)
    asked = threading.Event()

    def pass_around(part: SSEProgress) -> None:
        """Be a worker that is stopped as soon as it has taken the part up."""
        while not asked.is_set():
            row = SSEProgress.objects.claim(part.job_id, "a worker")
            if row is not None:
                SSEProgress.objects.move(row.job_id, Status.PENDING, epoch=row.epoch)

    def ask() -> None:
        time.sleep(0.05)
        verb(fresh(job))
        asked.set()

    crew = Crew()
    for part in parts_of(job):
        crew.start(pass_around, part)
    crew.start(ask)
    crew.join()

    assert not set(statuses(job)) & {Status.PENDING, Status.RUNNING}


@pytest.mark.usefixtures("shared")
def test_two_who_retry_at_once_are_counted_once(alice: User) -> None:
    bench.broken = {n: ItemFailed("no") for n in range(1, 13, 3)}
    job = work_all(shared_out(alice))
    together = threading.Barrier(2)
    refused: list[str] = []

    def again() -> None:
        row = fresh(job)
        together.wait()
        try:
            retry(row)
        except NotPossibleNowError:
            refused.append("no")

    crew = Crew()
    crew.start(again)
    crew.start(again)
    crew.join()

    assert refused == ["no"]
    assert counts(fresh(job)) == {"done": 8, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 4}
    assert JobItem.objects.filter(outcome=Outcome.RETRY).count() == 4


@pytest.mark.usefixtures("shared")
def test_a_sum_is_never_written_over_by_an_older_one(alice: User) -> None:
    job = shared_out(alice, number=2, size=100)
    first, second = parts_of(job)
    SSEProgress.objects.filter(pk__in=[first.pk, second.pk]).update(
        status=Status.RUNNING, lease_until=timezone.now() + timedelta(hours=1)
    )
    over = threading.Event()
    seen: list[dict[str, Any]] = []

    def count(part: SSEProgress) -> None:
        for done in range(1, 60):
            SSEProgress.objects.filter(pk=part.pk).update(processed_items=done)
            with transaction.atomic():
                fanout.settle(job.job_id)

    def poll() -> None:
        while not over.is_set():
            books_hold(job, seen)
            time.sleep(0.002)

    crew, poller = Crew(), Crew()
    poller.start(poll)
    crew.start(count, first)
    crew.start(count, second)
    crew.join()
    over.set()
    poller.join()

    assert fresh(job).processed_items == 118
    assert fresh(job).status in LEASED
