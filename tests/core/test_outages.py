"""A database that fails in the middle, and attempts that have lost their right, spoil nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.utils import timezone

from apps.core import closing
from apps.core.batch import Batch
from apps.core.conf import conf
from apps.core.errors import ItemFailed, JobCancelled, JobHandedBack, JobStopped, LeaseLost
from apps.core.models import JobItem, Outcome, SSEProgress, statements
from apps.core.outages import is_outage
from apps.core.runner import run
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker
from apps.core.verbs import cancel, retry, settle_abandoned
from workers.upkeep import settle_stale_jobs

Attempt = Callable[[Callable[[ProgressTracker], None]], SSEProgress]
AGO = timedelta(hours=1)


class Killed(BaseException):
    """Stands for what ends a thread in the middle of an item."""


def claimed(job: SSEProgress) -> SSEProgress:
    row = SSEProgress.objects.claim(job.pk, "worker")
    assert row is not None
    return row


def put(job: SSEProgress, **values: Any) -> None:
    SSEProgress.objects.filter(pk=job.pk).update(**values)


def silence(job: SSEProgress) -> None:
    put(job, lease_until=timezone.now() - AGO)


def ready(job: SSEProgress) -> None:
    put(job, not_before=None)


# Attempts that have lost their right ------------------------------------------------------------


@pytest.mark.parametrize("stop", [JobHandedBack(), JobCancelled()], ids=["hand back", "cancel"])
def test_an_attempt_that_was_settled_in_its_absence_ends_nothing(
    job: SSEProgress, stop: JobStopped
) -> None:
    frozen = claimed(job)
    put(job, status=Status.CANCELLING)
    silence(job)
    settle_stale_jobs()
    before = SSEProgress.objects.values().get(pk=job.pk)

    with pytest.raises(LeaseLost):
        closing.stop(ProgressTracker(frozen), frozen, stop)

    assert SSEProgress.objects.values().get(pk=job.pk) == before


def test_an_attempt_that_fails_late_does_not_fail_the_job_that_waits_for_the_next(
    attempt: Attempt, job: SSEProgress
) -> None:
    def work(progress: ProgressTracker) -> None:
        silence(job)
        settle_stale_jobs()
        raise RuntimeError("the line went dead while everybody thought so")

    assert attempt(work).status == Status.PENDING


def test_an_attempt_that_comes_back_after_a_retry_does_not_count_into_it(job: SSEProgress) -> None:
    put(job, total_items=2, processed_items=1, failed_items=1)
    JobItem.objects.create(job=job, key="1", outcome=Outcome.FAILED)
    frozen = claimed(job)
    frozen.processed_items = 2
    put(job, status=Status.CANCELLED)
    retried = retry(SSEProgress.objects.get(pk=job.pk))

    with pytest.raises(LeaseLost):
        closing.stop(ProgressTracker(frozen), frozen, JobCancelled())

    job.refresh_from_db()
    assert (job.status, job.processed_items) == (Status.PENDING, retried.processed_items)


def test_a_worker_suspended_in_the_middle_of_its_claim_does_not_take_anothers(
    job: SSEProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[SSEProgress] = []
    execute = statements.execute

    def suspended(*args: Any, **how: Any) -> Any:
        written = execute(*args, **how)
        monkeypatch.setattr(statements, "execute", execute)
        silence(job)
        others.append(claimed(job))
        return written

    monkeypatch.setattr(statements, "execute", suspended)
    first = claimed(job)

    assert (first.epoch, others[0].epoch) == (1, 2)
    assert SSEProgress.objects.write(job.pk, first.epoch, renew=True, message="mine") is None
    assert SSEProgress.objects.move(job.pk, Status.FAILED, epoch=first.epoch) is None


def test_a_worker_that_comes_back_while_it_is_settled_keeps_its_counts(job: SSEProgress) -> None:
    claimed(job)
    reserved = {"1": {"reserved": {"key": "7", "ref": "F-7", "after": 7}}}
    put(job, status=Status.CANCELLING, cursor=reserved)
    silence(job)
    seen = SSEProgress.objects.get(pk=job.pk)
    put(job, seq=F("seq") + 1, processed_items=1, cursor={"1": {"after": 7, "passed": 1}})

    settled = settle_abandoned(seen)

    job.refresh_from_db()
    assert settled is None
    assert (job.processed_items, job.in_doubt_items, job.items.count()) == (1, 0, 0)


@pytest.mark.parametrize("ended", ["worn out", "cancelled"])
def test_what_a_job_leaves_under_way_is_in_doubt_when_it_ends(
    attempt: Attempt, job: SSEProgress, ended: str
) -> None:
    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["mail"], key=str):
            with progress.item(name, irreversible=True):
                if ended == "cancelled":
                    put(job, status=Status.CANCELLING)
                raise Killed

    with pytest.raises(Killed):
        attempt(work)
    if ended == "worn out":
        put(job, attempts=conf.MAX_ATTEMPTS)
        run(job.job_id, work)

    job.refresh_from_db()
    assert job.status == (Status.FAILED if ended == "worn out" else Status.CANCELLED)
    assert [line.outcome for line in job.items.all()] == [Outcome.IN_DOUBT]
    assert job.in_doubt_items == 1
    assert "reserved" not in job.cursor["1"]


def test_what_a_dead_worker_had_under_way_is_in_doubt_before_anybody_goes_on(
    job: SSEProgress,
) -> None:
    claimed(job)
    reserved = {"1": {"total": 3, "reserved": {"key": "7", "ref": "F-7", "after": 7}}}
    put(job, total_items=3, cursor=reserved)
    silence(job)

    settle_stale_jobs()
    waiting = SSEProgress.objects.get(pk=job.pk)
    cancelled = cancel(waiting)

    assert (waiting.status, cancelled.status) == (Status.PENDING, Status.CANCELLED)
    for row in (waiting, cancelled):
        assert (row.books.in_doubt, row.books.left) == (1, 2)
    assert [line.ref for line in job.items.all()] == ["F-7"]


def test_a_lease_of_a_time_that_the_clock_has_left_runs_out(job: SSEProgress) -> None:
    claimed(job)
    put(job, lease_until=timezone.now() + AGO)

    settle_stale_jobs()

    job.refresh_from_db()
    assert job.status == Status.RUNNING
    assert job.lease_until is not None
    assert job.lease_until < timezone.now() + 2 * timedelta(seconds=10 * conf.LEASE_SECONDS)


# A database that fails --------------------------------------------------------------------------


def users(*names: str) -> list[str]:
    return sorted(User.objects.filter(username__in=names).values_list("username", flat=True))


def test_an_item_whose_database_goes_away_has_not_failed_and_is_done_later(
    attempt: Attempt, job: SSEProgress
) -> None:
    outage = [OperationalError("server closed the connection unexpectedly")]

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["a", "b", "c"], key=str):
            with progress.item(name):
                User.objects.create_user(name)
                if name == "b" and outage:
                    raise outage.pop()

    first = attempt(work)
    assert (first.status, first.processed_items) == (Status.PENDING, 0)
    assert first.not_before is not None
    assert first.message
    assert users("a", "b", "c") == []

    ready(job)
    second = attempt(work)

    assert (second.status, second.failed_items) == (Status.COMPLETED, 0)
    assert users("a", "b", "c") == ["a", "b", "c"]


def test_a_commit_whose_answer_was_lost_is_not_done_again(
    attempt: Attempt, job: SSEProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = Batch._leave
    seen: list[str] = []

    def commits_and_dies(self: Batch, error: BaseException | None) -> None:
        monkeypatch.setattr(Batch, "_leave", leave)
        leave(self, error)
        raise OperationalError("the connection is lost")

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["a", "b"], key=str):
            with progress.item(name):
                seen.append(name)
                User.objects.create_user(name)

    monkeypatch.setattr(Batch, "_leave", commits_and_dies)
    interrupted = attempt(work)
    assert (interrupted.status, interrupted.processed_items) == (Status.PENDING, 2)

    ready(job)
    assert attempt(work).status == Status.COMPLETED
    assert seen == ["a", "b"]


def test_a_rollback_that_fails_as_well_takes_the_counts_back_all_the_same(
    attempt: Attempt, job: SSEProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = Batch._leave

    def rolls_back_and_dies(self: Batch, error: BaseException | None) -> None:
        monkeypatch.setattr(Batch, "_leave", leave)
        leave(self, error)
        raise OperationalError("the server is starting up")

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["a", "b"], key=str):
            with progress.item(name):
                User.objects.create_user(name)
                if name == "b":
                    raise ItemFailed("no")

    monkeypatch.setattr(Batch, "_leave", rolls_back_and_dies)
    first = attempt(work)

    assert (first.status, first.processed_items) == (Status.PENDING, 0)
    assert users("a") == []


def test_an_actor_that_swallows_the_outage_does_not_complete(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        progress.expect(1)
        progress.ticker.unsure = True

    assert attempt(work).status == Status.PENDING


def test_a_database_that_fails_every_time_ends_the_job_with_that_as_its_error(
    attempt: Attempt, job: SSEProgress
) -> None:
    def work(progress: ProgressTracker) -> None:
        raise OperationalError("disk full")

    for _ in range(conf.MAX_ATTEMPTS):
        ready(job)
        ended = attempt(work)

    assert (ended.status, ended.error["code"]) == (Status.FAILED, "database")


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def sqlite_error(statement: str) -> Exception:
    try:
        sqlite3.connect(":memory:").execute(statement)
    except sqlite3.OperationalError as error:
        return caused_by(OperationalError(str(error)), error)
    raise AssertionError(statement)


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (OperationalError("could not connect"), True),
        (InterfaceError("connection already closed"), True),
        (caused_by(OperationalError(), psycopg.errors.AdminShutdown()), True),
        (caused_by(OperationalError(), psycopg.errors.CrashShutdown()), True),
        (caused_by(OperationalError(), psycopg.errors.DiskFull()), True),
        (caused_by(OperationalError(), psycopg.errors.DeadlockDetected()), True),
        (caused_by(OperationalError(), psycopg.errors.QueryCanceled()), False),
        (sqlite_error("SELECT * FROM nothing"), False),
        (sqlite_error("ATTACH '/nowhere/at/all' AS x"), True),
        (RuntimeError("no"), False),
    ],
    ids=repr,
)
def test_a_wrong_statement_is_told_from_a_database_that_is_away(
    error: Exception, outage: bool
) -> None:
    assert is_outage(error) == outage


def test_hostile_names_and_words_fail_their_item_and_not_the_job(
    attempt: Attempt,
) -> None:
    hostile = ["a\0b", "\udcff", "long" * 100]

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(hostile, key=str):
            progress.message("At %(what)s", what=name)
            with progress.item(name, ref=name, irreversible=name == "\udcff"):
                raise ItemFailed("no %(what)s", params={"what": name})
        progress.result("%(what)s", what=hostile[0])

    ended = attempt(work)

    assert (ended.status, ended.failed_items) == (Status.COMPLETED, 3)
    assert [line.ref[:4] for line in ended.items.order_by("pk")] == ["a\ufffdb", "?", "long"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("flush_seconds", [0, 1000], ids=["alone", "in one batch"])
def test_a_constraint_that_is_checked_last_fails_its_item_and_no_other(
    flush_seconds: float, settings: Any
) -> None:
    settings.PROGRESS_FLUSH_SECONDS = flush_seconds
    job = SSEProgress.objects.create(task_type="t", actor="a", queue="q")

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["a", "b", "c"], key=str):
            with progress.item(name):
                User.objects.create_user(name)
                if name == "b":
                    SSEProgress.objects.create(task_type="t", parent_id="nobody")

    for _ in range(2):
        run(job.job_id, work)
        job.refresh_from_db()
        assert (job.status, job.books.done, job.failed_items) == (Status.COMPLETED, 2, 1)
        assert [line.key for line in job.items.all()] == ["b"]
        assert users("a", "b", "c") == ["a", "c"]
        retry(job)


def test_a_word_about_an_item_does_not_lock_the_row_while_its_transaction_is_open(
    attempt: Attempt, job: SSEProgress, settings: Any
) -> None:
    settings.PROGRESS_FLUSH_SECONDS = 0
    seen: list[tuple[int, str]] = []

    def look() -> None:
        row = SSEProgress.objects.get(pk=job.pk)
        seen.append((row.seq, row.message))

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["a", "b"], key=str):
            with progress.item(name):
                look()
                progress.message(f"At {name}")
                look()
            look()

    attempt(work)

    assert seen[0] == seen[1]
    assert seen[2][1] == "At a"
