"""Items and jobs that are put off: nothing of them has happened, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.core.errors import ItemPutOff, JobPutOff
from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from apps.core.testing import RecordingTracker
from apps.core.tracker import ProgressTracker
from apps.core.verbs import cancel, retry

Attempt = Callable[[Callable[[ProgressTracker], None]], SSEProgress]


def due(job: SSEProgress) -> SSEProgress:
    """Let the time pass."""
    SSEProgress.objects.filter(pk=job.pk).update(not_before=None)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize("irreversible", [True, False])
def test_an_item_put_off_is_left_and_done_by_the_next_attempt(
    attempt: Attempt, irreversible: bool
) -> None:
    given_out: list[int] = []
    not_yet = {1, 3}

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(5)):
            given_out.append(n)
            with progress.item(n, irreversible=irreversible):
                if n in not_yet:
                    raise ItemPutOff("Not yet", after_seconds=60)

    job = attempt(work)
    assert (job.status, job.attempts) == (Status.PENDING, 0)
    assert job.books.counts() == {"done": 3, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 2}
    assert job.not_before is not None
    assert "2" in snapshot(job)["message"]

    given_out.clear()
    not_yet.discard(1)
    due(job)
    job = attempt(work)
    assert given_out == [1, 3]
    assert (job.status, job.books.left) == (Status.PENDING, 1)

    not_yet.clear()
    given_out.clear()
    due(job)
    job = attempt(work)
    assert given_out == [3]
    assert (job.status, job.books.done, job.books.left) == (Status.COMPLETED, 5, 0)
    assert not JobItem.objects.exists()


def test_the_job_waits_for_the_item_that_is_due_first(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        for n in progress.track([300, 20, 3000], key=str):
            with progress.item(n):
                raise ItemPutOff("Not yet", after_seconds=n)

    job = attempt(work)

    assert job.not_before is not None
    assert 10 < (job.not_before - job.updated_at).total_seconds() < 21


def test_a_job_with_items_put_off_can_be_cancelled_and_retried(attempt: Attempt) -> None:
    not_yet = {1}

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(3)):
            with progress.item(n, irreversible=True):
                if n in not_yet:
                    raise ItemPutOff("Not yet", after_seconds=60)

    job = cancel(attempt(work))
    assert (job.status, job.books.left) == (Status.CANCELLED, 1)

    not_yet.clear()
    retry(job)
    job = attempt(work)

    assert (job.status, job.books.done) == (Status.COMPLETED, 3)


def test_a_job_put_off_inside_an_item_goes_on_with_that_item(attempt: Attempt) -> None:
    given_out: list[int] = []

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(3)):
            given_out.append(n)
            with progress.item(n, irreversible=True):
                if given_out == [0, 1]:
                    raise JobPutOff(60, "The mail server can't be reached.")

    job = attempt(work)
    assert (job.status, job.books.done, job.books.left) == (Status.PENDING, 1, 2)
    assert "reserved" not in job.cursor["1"]

    due(job)
    job = attempt(work)
    assert given_out == [0, 1, 1, 2]
    assert (job.status, job.books.done, job.books.in_doubt) == (Status.COMPLETED, 3, 0)


def test_a_job_put_off_inside_a_retried_item_still_retries_it(job: SSEProgress) -> None:
    given_out: list[int] = []

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(2)):
            given_out.append(n)
            with progress.item(n, irreversible=True):
                if given_out == [0]:
                    raise ItemPutOff("Not yet", after_seconds=60)
                if given_out == [0, 1, 0]:
                    raise JobPutOff(60, "Away")

    for _ in range(3):
        run(job.job_id, work)
        due(job)

    assert given_out == [0, 1, 0, 0]
    assert (job.status, job.books.done, job.books.in_doubt) == (Status.COMPLETED, 2, 0)
    assert not job.items.filter(outcome=Outcome.RETRY).exists()


def test_the_test_double_notes_what_was_put_off() -> None:
    tracker = RecordingTracker()

    for name in tracker.track(["a", "b"], key=str):
        with tracker.item(name):
            if name == "a":
                raise ItemPutOff("Not yet", after_seconds=1)

    assert (tracker.put_off, tracker.done) == (["a"], ["b"])
