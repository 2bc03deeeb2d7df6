"""Items that share a transaction: each keeps its own fate, and its effects are there once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from apps.core.errors import ItemFailed, ItemSkipped
from apps.core.models import SSEProgress
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker

Attempt = Callable[[Callable[[ProgressTracker], None]], SSEProgress]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the attempt's own code runs after it."""


def counts(job: SSEProgress) -> dict[str, int | None]:
    return job.books.counts()


def test_the_items_before_a_failed_one_have_their_effects_exactly_once(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(50)):
            with progress.item(n):
                # A second effect of the same item would break the unique name.
                User.objects.create_user(f"n{n}")
                if n in {7, 8, 30, 49}:
                    raise ItemFailed("no")

    job = attempt(work)

    assert job.status == Status.COMPLETED
    assert counts(job) == {"done": 46, "skipped": 0, "failed": 4, "in_doubt": 0, "left": 0}
    assert User.objects.filter(username__startswith="n").count() == 46
    assert [line.ref for line in job.items.all()] == ["7", "8", "30", "49"]


def test_an_attempt_that_dies_in_a_batch_leaves_neither_effects_nor_counts_of_it(
    attempt: Attempt, job: SSEProgress
) -> None:
    dying = True

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(5)):
            with progress.item(n):
                User.objects.create_user(f"n{n}")
                if n == 3 and dying:
                    raise Killed

    with pytest.raises(Killed):
        attempt(work)
    job.refresh_from_db()
    assert (job.processed_items, User.objects.filter(username__startswith="n").count()) == (0, 0)

    dying = False
    resumed = attempt(work)

    assert resumed.status == Status.COMPLETED
    assert User.objects.filter(username__startswith="n").count() == 5


def test_what_is_done_is_kept_when_the_actor_fails_between_two_items(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(5)):
            if n == 3:
                raise RuntimeError("outside of any item")
            with progress.item(n):
                User.objects.create_user(f"n{n}")

    job = attempt(work)

    assert job.status == Status.FAILED
    assert counts(job) == {"done": 3, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 2}
    assert User.objects.filter(username__startswith="n").count() == 3


def test_skipped_items_do_not_undo_their_neighbours(attempt: Attempt) -> None:
    runs: list[int] = []

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(10)):
            with progress.item(n):
                runs.append(n)
                if n % 2:
                    raise ItemSkipped("odd")

    job = attempt(work)

    assert runs == list(range(10))
    assert counts(job) == {"done": 5, "skipped": 5, "failed": 0, "in_doubt": 0, "left": 0}
