"""Whatever people, workers and the scheduler do in whatever order, a job moves along its table.

Attempts are driven by hand: claimed, frozen, come back, and try to write or end the job at any
moment, also long after somebody else has taken it over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.core import closing, verbs
from apps.core.errors import (
    JobCancelled,
    JobHandedBack,
    JobPaused,
    JobPutOff,
    JobStopped,
    LeaseLost,
    NotPossibleNowError,
)
from apps.core.ledger import agrees
from apps.core.models import SSEProgress
from apps.core.statuses import LEASED, TERMINAL, TRANSITIONS, Status
from apps.core.tracker import ProgressTracker
from tests.support.history import History, recording
from workers.upkeep import ring_again, settle_stale_jobs

ITEMS = 5
STOPS: dict[str, JobStopped] = {
    "handed back": JobHandedBack(),
    "put off": JobPutOff(0),
    "paused": JobPaused(),
    "cancelled": JobCancelled(),
}


class Attempt:
    """One worker's view of the job: a row in memory, and a pen that may have lost its right."""

    def __init__(self, job: SSEProgress) -> None:
        self.job = job
        self.epoch = job.epoch
        self.tracker = ProgressTracker(job)

    def count_one(self) -> None:
        with self.tracker.ticker.lock:
            if self.job.total_items is None or self.job.processed_items < self.job.total_items:
                self.job.processed_items += 1
            self.tracker.ticker.flush()

    def stop(self, how: str) -> None:
        closing.stop(self.tracker, self.job, STOPS[how])

    def complete(self) -> None:
        closing.complete(self.tracker, self.job)

    def fail(self) -> None:
        closing.end(self.job, Status.FAILED, "error", error={"code": "x", "message": "x"})


class Life(RuleBasedStateMachine):
    """One job, its owner, its workers and the scheduler."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self.history = history
        history.forget()
        self.job = SSEProgress.objects.create(
            task_type="counting", actor="tests.count", queue="default", total_items=ITEMS
        )
        self.attempts: list[Attempt] = []

    @property
    def row(self) -> SSEProgress:
        return SSEProgress.objects.get(pk=self.job.pk)

    # What people ask for -------------------------------------------------------------------

    @rule(verb=st.sampled_from(["cancel", "pause", "resume"]))
    def ask(self, verb: str) -> None:
        self._ask(verb)

    @rule()
    def retry(self) -> None:
        self.history.may_leave_the_end = True
        self._ask("retry")
        self._check_history()
        self.history.may_leave_the_end = False

    def _ask(self, verb: str) -> None:
        before = self.row
        # Where there is a button, it works; where there is none, nothing happens.
        offered = verb in verbs.possible(before)
        try:
            with transaction.atomic():
                verbs.VERBS[verb](before)
        except NotPossibleNowError:
            assert not offered
            assert self.row.status == before.status

    # What workers do -----------------------------------------------------------------------

    @rule()
    def message(self) -> None:
        """A message arrives: the first, a doubled or a redelivered one."""
        before = self.row
        claimed = SSEProgress.objects.claim(self.job.pk, f"worker-{len(self.attempts)}")

        if before.status in LEASED and not self._lease_is_over(before):
            assert claimed is None
        if claimed is not None:
            assert claimed.epoch == before.epoch + 1
            self.attempts.append(Attempt(claimed))

    @rule()
    def overtake(self) -> None:
        """A worker freezes for longer than its lease, and another one goes on."""
        self.silence()
        self.message()

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), what=st.sampled_from(["count", "count", "complete", "fail", *STOPS]))
    def write(self, data: st.DataObject, what: str) -> None:
        """Some attempt, perhaps one that everybody thinks dead, counts an item or ends the job."""
        attempt = data.draw(st.sampled_from(self.attempts), label="attempt")
        before = self.row
        holds = before.status in LEASED and before.epoch == attempt.epoch
        try:
            with transaction.atomic():
                self._write(attempt, what)
        except LeaseLost:
            pass
        if not holds:
            assert values_of(self.row) == values_of(before)

    def _write(self, attempt: Attempt, what: str) -> None:
        if what == "count":
            attempt.count_one()
        elif what == "complete":
            attempt.complete()
        elif what == "fail":
            attempt.fail()
        else:
            attempt.stop(what)

    # What time and the scheduler do ----------------------------------------------------------

    @rule()
    def silence(self) -> None:
        """The lease runs out."""
        SSEProgress.objects.filter(pk=self.job.pk, lease_until__isnull=False).update(
            lease_until=self.job.created_at
        )

    @rule()
    def tick(self) -> None:
        before = self.row
        settle_stale_jobs()
        ring_again()
        if before.status in LEASED:
            assert (self.row.status in LEASED) == (not self._lease_is_over(before))

    # What must hold after each ---------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        job = self.row
        books = job.books
        assert books.total == ITEMS
        assert books.left is not None
        assert books.done + books.skipped + books.failed + books.in_doubt + books.left == ITEMS
        assert agrees(job)
        assert job.status != Status.COMPLETED or books.closed

    @invariant()
    def at_most_one_attempt_may_write(self) -> None:
        job = self.row
        holders = [each for each in self.attempts if each.epoch == job.epoch]
        assert len(holders) <= 1
        assert (job.lease_until is not None) == (job.status in LEASED)

    @invariant()
    def a_job_that_is_over_says_when(self) -> None:
        job = self.row
        assert (job.finished_at is not None) == (job.status in TERMINAL)

    @invariant()
    def the_history_is_a_walk_along_the_table(self) -> None:
        self._check_history()

    def _check_history(self) -> None:
        for change in self.history.read():
            old, new = Status(change.old_status), Status(change.new_status)
            if old != new:
                assert (old, new) in TRANSITIONS
                assert change.new_seq > change.old_seq
            if old in TERMINAL and new != old:
                assert self.history.may_leave_the_end
            assert change.new_seq >= change.old_seq
            assert change.new_epoch - change.old_epoch in (0, 1)

    def _lease_is_over(self, job: SSEProgress) -> bool:
        return job.lease_until is None or job.lease_until <= self.job.created_at

    def teardown(self) -> None:
        SSEProgress.objects.filter(pk=self.job.pk).delete()


def values_of(job: SSEProgress) -> dict[str, Any]:
    return {field.attname: getattr(job, field.attname) for field in job._meta.concrete_fields}


@pytest.fixture
def history(db: None) -> Iterator[History]:
    with recording(connection) as history:
        yield history


def test_a_job_moves_along_its_table_whatever_anybody_does(history: History) -> None:
    profile = settings(
        max_examples=40,
        stateful_step_count=30,
        phases=(Phase.explicit, Phase.generate),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(lambda: Life(history), settings=profile)  # type: ignore[arg-type]


def test_attempts_are_never_negative(history: History) -> None:
    job = SSEProgress.objects.create(task_type="counting", actor="tests.count", queue="default")
    claimed = SSEProgress.objects.claim(job.pk, "worker")
    assert claimed is not None
    SSEProgress.objects.filter(pk=job.pk).update(attempts=F("attempts"))

    Attempt(claimed).stop("handed back")

    job.refresh_from_db()
    assert (job.status, job.attempts) == (Status.PENDING, 0)
