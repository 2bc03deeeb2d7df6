"""Work that is failed in its author's words, started over, or written behind the fence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from apps.core.errors import ItemFailed, JobFailed, NotRepeatableError
from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker

Attempt = Callable[[Callable[[ProgressTracker], None]], SSEProgress]


class Killed(BaseException):
    """Stands for what ends a thread in the middle of an item."""


def counts(job: SSEProgress) -> dict[str, int | None]:
    return job.books.counts()


def test_an_actor_fails_its_job_in_its_own_words(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        progress.expect(5)
        progress.advance(2)
        raise JobFailed(
            "The disk has %(left)s left.",
            code="disk-full",
            params={"left": "3 kB"},
            hint="Make room.",
        )

    job = attempt(work)

    assert (job.status, counts(job)["done"], counts(job)["left"]) == (Status.FAILED, 2, 3)
    error = snapshot(job)["error"]
    assert (error["code"], error["message"], error["hint"]) == (
        "disk-full",
        "The disk has 3 kB left.",
        "Make room.",
    )


def test_an_actor_that_starts_over_counts_its_items_once(
    job: SSEProgress, attempt: Attempt
) -> None:
    def work(progress: ProgressTracker) -> None:
        first = not progress.resumed
        progress.start_over()
        progress.expect(4)
        for n in range(4):
            if first and n == 3:
                raise Killed
            progress.advance()

    with pytest.raises(Killed):
        run(job.job_id, work)
    job.refresh_from_db()
    assert job.processed_items == 3
    again = attempt(work)

    assert again.status == Status.COMPLETED
    assert counts(again) == {"done": 4, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 0}


def test_starting_over_is_refused_where_the_ledger_has_outcomes(
    job: SSEProgress, attempt: Attempt
) -> None:
    def fail_one(progress: ProgressTracker) -> None:
        for n in progress.track([1]):
            with progress.item(n):
                raise ItemFailed("no")

    def start_over(progress: ProgressTracker) -> None:
        with pytest.raises(NotRepeatableError):
            progress.start_over()

    attempt(fail_one)
    SSEProgress.objects.filter(pk=job.pk).update(status=Status.PENDING)

    assert attempt(start_over).failed_items == 1


def test_what_is_written_behind_the_fence_is_undone_when_the_job_has_moved_on(
    job: SSEProgress,
) -> None:
    def work(progress: ProgressTracker) -> None:
        with progress.fenced():
            User.objects.create_user("first")
        SSEProgress.objects.filter(pk=job.pk).update(epoch=99)
        with progress.fenced():
            User.objects.create_user("second")

    run(job.job_id, work)

    assert User.objects.filter(username="first").exists()
    assert not User.objects.filter(username="second").exists()
