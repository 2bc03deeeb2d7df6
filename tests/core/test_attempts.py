"""One attempt after the other at a job: each goes on where the last one was, or says why not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from apps.core import shutdown
from apps.core.errors import ItemFailed, JobPutOff
from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker
from apps.core.verbs import retry

Attempt = Callable[[Callable[[ProgressTracker], None]], SSEProgress]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the attempt's own code runs after it."""


def counts(job: SSEProgress) -> dict[str, int | None]:
    return job.books.counts()


def test_an_item_that_a_dead_attempt_had_under_way_is_in_doubt_and_not_repeated(
    attempt: Attempt, job: SSEProgress
) -> None:
    effects: list[str] = []

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["a", "b", "c"], key=str):
            with progress.item(name, irreversible=True):
                effects.append(name)
                if effects == ["a", "b"]:
                    raise Killed

    with pytest.raises(Killed):
        attempt(work)
    # A real SIGKILL would not have handed the job back; the lease would have run out.
    resumed = attempt(work)

    assert effects == ["a", "b", "c"]
    assert resumed.status == Status.COMPLETED
    assert counts(resumed) == {"done": 2, "skipped": 0, "failed": 0, "in_doubt": 1, "left": 0}
    assert [line.key for line in resumed.items.all()] == ["b"]


def test_a_job_goes_on_where_the_last_attempt_stopped(attempt: Attempt) -> None:
    for n in range(10):
        User.objects.create_user(f"user-{n:02}")
    seen: list[str] = []

    def work(progress: ProgressTracker) -> None:
        for user in progress.track(User.objects.filter(username__startswith="user-")):
            with progress.item(user):
                seen.append(user.username)
            if len(seen) == 4:
                shutdown.stopping.set()

    first = attempt(work)
    shutdown.stopping.clear()

    assert (first.status, first.attempts) == (Status.PENDING, 0)
    assert first.books.left == 6
    second = attempt(work)
    assert second.status == Status.COMPLETED
    assert seen == [f"user-{n:02}" for n in range(10)]


def test_a_retry_touches_only_what_is_not_done(attempt: Attempt, job: SSEProgress) -> None:
    broken = {"b", "d"}
    given_out: list[str] = []

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["a", "b", "c", "d"], key=str):
            given_out.append(name)
            with progress.item(name):
                User.objects.create_user(name)
                if name in broken:
                    raise ItemFailed("broken")

    assert counts(attempt(work))["failed"] == 2
    broken.discard("b")
    given_out.clear()
    job.refresh_from_db()
    retry(job)
    again = attempt(work)

    assert given_out == ["b", "d"]
    assert again.status == Status.COMPLETED
    assert counts(again) == {"done": 3, "skipped": 0, "failed": 1, "in_doubt": 0, "left": 0}
    assert [line.key for line in again.items.all()] == ["d"]
    assert set(User.objects.exclude(username="alice").values_list("username", flat=True)) == {
        "a",
        "b",
        "c",
    }


def test_a_second_claim_while_the_first_holds_the_lease_does_nothing(
    attempt: Attempt, job: SSEProgress
) -> None:
    calls: list[str] = []

    def inner(progress: ProgressTracker) -> None:
        calls.append("inner")

    def work(progress: ProgressTracker) -> None:
        calls.append("outer")
        attempt(inner)
        progress.expect(0)

    attempt(work)

    assert calls == ["outer"]


def test_a_stale_attempt_writes_nothing_any_more(attempt: Attempt, job: SSEProgress) -> None:
    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(3)):
            with progress.item(n):
                User.objects.create_user(f"by the stale one {n}")
                # Another worker has taken the job over in the meantime.
                SSEProgress.objects.filter(pk=job.pk).update(epoch=job.epoch + 10)

    row = attempt(work)

    assert row.status == Status.RUNNING
    assert row.processed_items == 0
    assert not User.objects.filter(username__startswith="by the stale one").exists()


def test_a_loop_left_early_ends_as_failed_because_the_books_do_not_balance(
    attempt: Attempt,
) -> None:
    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(10)):
            if n == 3:
                break

    job = attempt(work)

    assert job.status == Status.FAILED
    assert job.error["code"] == "books"
    assert job.books.left == 7


def test_an_error_of_the_actor_fails_the_job_and_keeps_its_text_from_the_page(
    attempt: Attempt,
) -> None:
    def work(progress: ProgressTracker) -> None:
        raise RuntimeError("password=hunter2")

    job = attempt(work)

    assert job.status == Status.FAILED
    assert job.error["code"] == "RuntimeError"
    assert "hunter2" not in str(job.error)


def test_a_job_that_keeps_killing_its_worker_is_parked(attempt: Attempt, job: SSEProgress) -> None:
    SSEProgress.objects.filter(pk=job.pk).update(attempts=5)
    calls: list[str] = []

    parked = attempt(lambda progress: calls.append("ran"))

    assert calls == []
    assert parked.status == Status.FAILED
    assert parked.error["code"] == "attempts"


def test_an_unforeseen_error_is_tried_again_later_from_where_it_stopped(
    attempt: Attempt, job: SSEProgress
) -> None:
    given_out: list[int] = []

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(4)):
            given_out.append(n)
            if given_out == [0, 1, 2]:
                raise ConnectionError("the database of the stock is away")
            with progress.item(n):
                pass

    run(job.job_id, work, retries=1)
    job.refresh_from_db()
    assert (job.status, job.processed_items) == (Status.PENDING, 2)
    assert job.not_before is not None

    run(job.job_id, work, retries=1)
    job.refresh_from_db()
    assert given_out == [0, 1, 2]  # not before its time

    SSEProgress.objects.filter(pk=job.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    again = attempt(work)
    assert given_out == [0, 1, 2, 2, 3]
    assert (again.status, again.error) == (Status.COMPLETED, {})


def test_the_last_of_the_attempts_fails_the_job(job: SSEProgress) -> None:
    def work(progress: ProgressTracker) -> None:
        raise ConnectionError("still away")

    for _ in range(3):
        run(job.job_id, work, retries=2)
        SSEProgress.objects.filter(pk=job.pk).update(not_before=None)

    job.refresh_from_db()
    assert (job.status, job.attempts) == (Status.FAILED, 3)


def test_an_actor_may_put_its_job_off_as_often_as_it_takes(job: SSEProgress) -> None:
    def work(progress: ProgressTracker) -> None:
        raise JobPutOff(60, "The mail server can't be reached.")

    for _ in range(10):
        run(job.job_id, work)
        job.refresh_from_db()
        assert (job.status, job.attempts) == (Status.PENDING, 0)
        assert "mail server" in snapshot(job)["message"]
        SSEProgress.objects.filter(pk=job.pk).update(not_before=None)
