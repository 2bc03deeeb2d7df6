"""What an actor's author sees of an attempt, and what it leaves in the row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.db.models import F

from apps.core.budget import ErrorBudget
from apps.core.errors import ItemFailed, ItemInDoubt, ItemSkipped
from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.runner import run
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker
from apps.core.verbs import resume

Attempt = Callable[[Callable[[ProgressTracker], None]], SSEProgress]
Events = list[tuple[str, str, dict[str, Any]]]


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


@pytest.mark.parametrize("end", ["well", "failed"])
def test_what_is_written_on_settle_is_there_together_with_the_outcome(
    attempt: Attempt, job: SSEProgress, end: str
) -> None:
    seen: list[Any] = []

    def write() -> None:
        User.objects.create(username="sent")
        seen.append(SSEProgress.objects.get(pk=job.pk).books.left)

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["mail"], key=str):
            with progress.item(name, irreversible=True):
                progress.on_settle(write)
                assert not User.objects.filter(username="sent").exists()
                if end == "failed":
                    raise ItemFailed("refused")

    done = counts(attempt(work))

    assert seen == [0]
    assert (done["done"], done["failed"]) == ((1, 0) if end == "well" else (0, 1))
    assert User.objects.filter(username="sent").exists()


def test_an_item_that_cannot_be_settled_leaves_nothing_written_and_is_in_doubt(
    attempt: Attempt,
) -> None:
    def write() -> None:
        User.objects.create(username="sent")
        raise DatabaseError("disk full")

    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["mail"], key=str):
            with progress.item(name, irreversible=True):
                progress.on_settle(write)

    assert counts(attempt(work))["in_doubt"] == 1
    assert not User.objects.filter(username="sent").exists()


def test_a_worker_that_has_lost_its_job_writes_nothing_on_settle(
    attempt: Attempt, job: SSEProgress
) -> None:
    def work(progress: ProgressTracker) -> None:
        for name in progress.track(["mail"], key=str):
            with progress.item(name, irreversible=True):
                progress.on_settle(lambda: User.objects.create(username="sent"))
                SSEProgress.objects.filter(pk=job.pk).update(epoch=F("epoch") + 1)

    assert "reserved" in attempt(work).cursor["1"]
    assert not User.objects.filter(username="sent").exists()


def test_on_settle_has_no_place_outside_an_irreversible_item(attempt: Attempt) -> None:
    def work(progress: ProgressTracker) -> None:
        with pytest.raises(RuntimeError, match="irreversible"):
            progress.on_settle(list)

    attempt(work)


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
