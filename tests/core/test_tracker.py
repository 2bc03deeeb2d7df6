"""What an actor's author sees of an attempt, and what it leaves in the row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from apps.core import shutdown
from apps.core.budget import ErrorBudget
from apps.core.errors import (
    ItemFailed,
    ItemInDoubt,
    ItemSkipped,
    JobFailed,
    JobPutOff,
    NotRepeatableError,
)
from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker
from apps.core.verbs import resume, retry

Attempt = Callable[[Callable[[ProgressTracker], None]], SSEProgress]
Events = list[tuple[str, str, dict[str, Any]]]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the attempt's own code runs after it."""


def counts(job: SSEProgress) -> dict[str, int | None]:
    return job.books.counts()


def test_a_plain_loop_counts_every_item_and_completes(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        for _ in progress.track(range(5)):
            pass

    job = attempt(work)

    assert job.status == Status.COMPLETED
    assert counts(job) == {"done": 5, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 0}
    assert job.total_items == 5


def test_each_outcome_is_counted_and_has_its_line_in_the_ledger(attempt: Attempt) -> None:
    ends = {
        "a": None,
        "b": ItemFailed("No such %(thing)s", code="missing", params={"thing": "box"}),
        "c": ItemSkipped("Done already"),
        "d": ItemInDoubt("No answer"),
        "e": ValueError("what is this"),
    }

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(list(ends), key=str):
            with progress.item(name, ref=f"item {name}"):
                if (error := ends[name]) is not None:
                    raise error

    job = attempt(work)

    assert job.status == Status.COMPLETED
    assert counts(job) == {"done": 1, "skipped": 1, "failed": 2, "in_doubt": 1, "left": 0}
    lines = {line.key: (line.outcome, line.code, line.text) for line in job.items.all()}
    assert lines == {
        "b": (Outcome.FAILED, "missing", "No such box"),
        "c": (Outcome.SKIPPED, "skipped", "Done already"),
        "d": (Outcome.IN_DOUBT, "in_doubt", "No answer"),
        "e": (Outcome.FAILED, "ValueError", "what is this"),
    }


def test_a_failed_item_takes_its_database_writes_back(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["good", "bad"], key=str):
            with progress.item(name):
                User.objects.create_user(name)
                if name == "bad":
                    raise ItemFailed("no")

    attempt(work)

    assert User.objects.filter(username="good").exists()
    assert not User.objects.filter(username="bad").exists()


def test_an_unforeseen_error_in_an_irreversible_item_leaves_it_in_doubt(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["mail"], key=str):
            with progress.item(name, irreversible=True):
                raise RuntimeError("the line went dead")

    assert counts(attempt(work))["in_doubt"] == 1


def test_an_irreversible_item_is_reserved_before_its_effect(
    attempt: Attempt, job: SSEProgress
) -> None:
    seen: list[Any] = []

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["mail"], key=str):
            with progress.item(name, ref="F-1", irreversible=True):
                seen.append(SSEProgress.objects.get(pk=job.pk).cursor["1"]["reserved"])

    done = attempt(work)

    assert seen == [{"key": "mail", "ref": "F-1", "after": 1}]
    assert "reserved" not in done.cursor["1"]


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


def test_a_cancel_takes_effect_at_the_next_item_and_keeps_what_is_done(
    attempt: Attempt, job: SSEProgress, settings: Any
) -> None:
    settings.PROGRESS_FLUSH_SECONDS = 0  # a batch of its own for each item

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(1, 11)):
            with progress.item(n):
                if n == 3:
                    SSEProgress.objects.move(job.job_id, Status.CANCELLING)

    cancelled = attempt(work)

    assert cancelled.status == Status.CANCELLED
    assert counts(cancelled) == {"done": 3, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 7}


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


def test_events_tell_the_state_and_the_end_is_always_among_them(
    attempt: Attempt, events: Events, django_capture_on_commit_callbacks: Any
) -> None:
    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(300)):
            with progress.item(n):
                pass

    with django_capture_on_commit_callbacks(execute=True):
        job = attempt(work)

    mine = [payload for channel, _, payload in events if channel == f"progress-{job.job_id}"]
    assert len(mine) < 50
    assert mine[-1]["kind"] == "complete"
    assert (mine[-1]["status"], mine[-1]["percent"]) == ("completed", 100)
    assert [p["seq"] for p in mine] == sorted(p["seq"] for p in mine)


def test_warnings_and_stages_show_in_the_row(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        with progress.stage("Reading", share=0.5, of=2):
            for _ in progress.track(range(2)):
                progress.warn("Odd %(what)s", ref="line 1", what="thing")
        with progress.stage("Writing", share=0.5, of=2):
            for _ in progress.track(range(2)):
                pass

    job = attempt(work)

    assert (job.status, job.total_items, job.warning_count) == (Status.COMPLETED, 4, 2)
    assert {line.text for line in JobItem.objects.filter(job=job)} == {"Odd thing"}


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


def test_a_job_whose_items_nearly_all_fail_pauses_itself_and_can_go_on(
    attempt: Attempt, job: SSEProgress
) -> None:
    broken = True

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(100)):
            with progress.item(n, ref=f"item {n}", irreversible=True):
                if broken and n >= 10:
                    raise ItemFailed("The printer is on fire")

    run(job.job_id, work, ErrorBudget(percent=50, of=10))
    job.refresh_from_db()

    assert job.status == Status.PAUSED
    assert job.error["code"] == "budget"
    assert "The printer is on fire" in job.error["params"]["samples"]
    # Six of the last ten, and not one more.
    assert counts(job) == {"done": 10, "skipped": 0, "failed": 6, "in_doubt": 0, "left": 84}

    broken = False
    resume(job)
    run(job.job_id, work, ErrorBudget(percent=50, of=10))
    job.refresh_from_db()

    assert job.status == Status.COMPLETED
    assert counts(job) == {"done": 94, "skipped": 0, "failed": 6, "in_doubt": 0, "left": 0}


def test_an_item_is_settled_once_and_inside_its_loop(attempt: Attempt) -> None:
    def twice(progress: ProgressTracker) -> None:
        for n in progress.track(range(1)):
            with progress.item(n):
                pass
            with pytest.raises(RuntimeError, match="once around its item"), progress.item(n):
                pass

    job = attempt(twice)

    assert counts(job)["done"] == 1


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
