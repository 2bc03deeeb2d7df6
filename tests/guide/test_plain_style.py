"""The guide's style: a row, a tracker, and an ordinary function that uses either or both."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.core.management import BaseCommand, call_command
from django.db import connection
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker

from apps.core.bin.sse_progress import SSEProgressTracker
from apps.core.errors import UnknownJobError
from apps.core.models import SSEProgress
from apps.core.snapshot import snapshot
from apps.core.statuses import TERMINAL, Status
from tests.guide.conftest import Event

Guide = Callable[[str], ModuleType]
MakeJob = Callable[..., SSEProgress]


def now(job: SSEProgress) -> SSEProgress:
    job.refresh_from_db()
    return job


def counts(job: SSEProgress) -> dict[str, int | None]:
    return now(job).books.counts()


def done(n: int) -> dict[str, int]:
    return {"done": n, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 0}


def in_a_thread(work: Callable[[], None]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


# The guide's examples


def test_the_mail_example_moves_the_bar_from_0_to_100(
    guide: Guide, job: SSEProgress, events: list[Event]
) -> None:
    guide("invoices/tasks").send_invoices_with_sse.fn(["1", "2", "3"], job.job_id)

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(3)
    assert job.message == "✅ 3 factures envoyées, 0 erreurs"
    assert [event.kind for event in events][:2] == ["start", "start"]
    assert {event.kind for event in events[2:-2]} == {"progress"}
    assert [event.kind for event in events[-2:]] == ["complete", "complete"]
    percents = [event.payload["percent"] for event in events]
    assert percents[0] == 0
    assert percents == sorted(percents)
    assert 100 not in percents[:-2]
    assert percents[-2:] == [100, 100]
    seqs = [event.payload["seq"] for event in events]
    assert seqs == sorted(set(seqs))


def test_a_mail_that_fails_is_counted_and_named_and_the_others_are_sent(
    guide: Guide, job: SSEProgress, events: list[Event]
) -> None:
    guide("invoices/tasks").send_invoices_with_sse.fn(["1", "2", "inconnue"], job.job_id)

    assert now(job).status == Status.COMPLETED
    assert counts(job) == {**done(2), "failed": 1}
    assert job.message == "✅ 2 factures envoyées, 1 erreurs"
    (warning,) = [event for event in events if event.kind == "warning"]
    (item,) = warning.payload["warnings"]["items"]
    assert item["message"] == "Erreur sur facture inconnue: adresse inconnue"


def test_the_edi_example_counts_its_files(guide: Guide, make_job: MakeJob) -> None:
    job = make_job(task_type="edi_import", total_items=2)

    guide("edi/tasks").import_edi_files.fn(["un.edi", "deux.edi"], job.job_id)

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(2)
    assert job.message == "Import terminé"


def test_the_reports_example_counts_its_reports_and_keeps_its_metadata(
    guide: Guide, make_job: MakeJob
) -> None:
    job = make_job(task_type="report_generation", total_items=2, metadata={"format": "PDF"})

    guide("reports/tasks").generate_reports.fn(["1", "2"], job.job_id)

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(2)
    assert job.metadata == {"format": "PDF"}


def test_an_actor_that_raises_leaves_a_failed_job_that_says_why(
    guide: Guide, make_job: MakeJob, broker: StubBroker, events: list[Event]
) -> None:
    job = make_job(task_type="edi_import", total_items=3)
    actor = guide("edi/tasks").import_edi_files
    worker = Worker(broker, worker_timeout=10, worker_threads=1)
    actor.send(["un.edi", "illisible.edi", "trois.edi"], job.job_id)

    worker.start()
    broker.join(actor.queue_name, fail_fast=False)
    worker.join()
    worker.stop()

    assert now(job).status == Status.FAILED
    assert job.error["message"] == "illisible.edi n'est pas un interchange"
    assert counts(job) == {**done(1), "left": 2}
    assert [event.kind for event in events].count("error") == 1


def test_the_except_branch_of_the_guide_fails_the_job_once_with_the_first_reason(
    job: SSEProgress, events: list[Event]
) -> None:
    sse = SSEProgressTracker(job.job_id)
    job.mark_as_started()

    job.mark_as_failed("le serveur ne répond pas")
    sse.send_error("Erreur critique: le serveur ne répond pas")

    assert now(job).status == Status.FAILED
    (error,) = [event for event in events if event.kind == "error"]
    assert error.payload["error"]["message"] == "le serveur ne répond pas"


# One half of it alone


def test_the_rows_methods_alone_are_enough(job: SSEProgress, events: list[Event]) -> None:
    job.mark_as_started()
    job.update_progress(processed=1, message="une")
    job.update_progress(processed=1, failed=1)
    job.update_progress(failed=1)
    job.mark_as_completed()

    assert now(job).status == Status.COMPLETED
    assert counts(job) == {**done(1), "failed": 2}
    kinds = [event.kind for event in events]
    assert kinds == ["start", "progress", "progress", "progress", "complete"]
    assert [event.payload["current"] for event in events] == [0, 1, 2, 3, 3]
    assert events[1].payload["message"] == "une"


def test_update_progress_begins_a_job_that_nobody_has_started(job: SSEProgress) -> None:
    job.update_progress(processed=2)

    assert now(job).status == Status.RUNNING
    assert job.started_at is not None
    assert job.processed_items == 2


def test_the_trackers_methods_alone_are_enough(job: SSEProgress, events: list[Event]) -> None:
    sse = SSEProgressTracker(job.job_id)
    sse.send_start(total=3, message="départ")
    for current in (1, 2, 3):
        sse.send_progress(current, 3, f"{current} sur 3")
    sse.send_complete(3, "arrivée")

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(3)
    assert job.message == "arrivée"
    assert [e.payload["message"] for e in events if e.kind == "progress"] == [
        "1 sur 3",
        "2 sur 3",
        "3 sur 3",
    ]


def test_the_tracker_tells_a_total_that_nobody_knew(make_job: MakeJob) -> None:
    job = make_job(total_items=None)
    sse = SSEProgressTracker(job.job_id)

    sse.send_progress(2, 4)

    assert now(job).total_items == 4
    assert snapshot(job)["percent"] == 50


def test_the_trackers_bar_never_goes_back(job: SSEProgress) -> None:
    sse = SSEProgressTracker(job.job_id)

    sse.send_progress(2, 3)
    sse.send_progress(1, 3)

    assert now(job).processed_items == 2


def test_completion_alone_speaks_for_all_items(job: SSEProgress) -> None:
    SSEProgressTracker(job.job_id).send_complete(3)

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(3)


def test_completion_alone_brings_the_total_that_nobody_knew(make_job: MakeJob) -> None:
    job = make_job(total_items=None)

    SSEProgressTracker(job.job_id).send_complete(5)

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(5)


def test_a_job_whose_total_nobody_knew_ends_with_what_was_counted(make_job: MakeJob) -> None:
    job = make_job(total_items=None)
    job.update_progress(processed=7)

    job.mark_as_completed()

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(7)


# Truth


def test_completing_with_items_missing_fails_the_job_and_says_so(
    job: SSEProgress, events: list[Event]
) -> None:
    sse = SSEProgressTracker(job.job_id)
    job.update_progress(processed=2)

    job.mark_as_completed()
    sse.send_complete(3, "tout est parti")

    assert now(job).status == Status.FAILED
    assert job.error["code"] == "books"
    assert job.error["params"] == {"processed": 2, "total": 3}
    assert job.message != "tout est parti"
    assert "complete" not in [event.kind for event in events]
    assert events[-1].payload["percent"] == 66


def test_completing_twice_tells_the_same_twice(job: SSEProgress, events: list[Event]) -> None:
    sse = SSEProgressTracker(job.job_id)
    job.update_progress(processed=3)
    job.mark_as_completed()
    finished = now(job).finished_at

    job.mark_as_completed()
    sse.send_complete(3)
    sse.send_complete(3)

    assert now(job).status == Status.COMPLETED
    assert job.finished_at == finished
    assert counts(job) == done(3)
    ends = [event.payload for event in events if event.kind == "complete"]
    assert {(end["status"], end["percent"], end["current"]) for end in ends} == {
        ("completed", 100, 3)
    }


def say(job: SSEProgress) -> dict[str, Callable[[], None]]:
    sse = SSEProgressTracker(job.job_id)
    return {
        "mark_as_started": job.mark_as_started,
        "update_progress": lambda: job.update_progress(processed=1, failed=1, message="tard"),
        "mark_as_completed": job.mark_as_completed,
        "mark_as_failed": lambda: job.mark_as_failed("tard"),
        "send_start": lambda: sse.send_start(9, "tard"),
        "send_progress": lambda: sse.send_progress(9, 9, "tard"),
        "send_warning": lambda: sse.send_warning("tard"),
        "send_error": lambda: sse.send_error("tard"),
    }


LATE_WORDS = (
    "mark_as_started",
    "update_progress",
    "mark_as_completed",
    "mark_as_failed",
    "send_start",
    "send_progress",
    "send_warning",
    "send_error",
)


@pytest.mark.parametrize("status", sorted(TERMINAL))
@pytest.mark.parametrize("word", LATE_WORDS)
def test_whatever_is_said_after_the_end_changes_nothing(
    make_job: MakeJob, events: list[Event], status: Status, word: str
) -> None:
    job = make_job(status=status, total_items=5, processed_items=2)
    words = say(job)
    before = SSEProgress.objects.values().get(job_id=job.job_id)

    words[word]()

    assert SSEProgress.objects.values().get(job_id=job.job_id) == before
    assert not job.items.exists()
    assert events == []


@pytest.mark.parametrize("status", sorted(TERMINAL - {Status.COMPLETED}))
def test_a_job_that_ended_badly_is_not_completed_by_the_tracker(
    make_job: MakeJob, events: list[Event], status: Status
) -> None:
    job = make_job(status=status)

    SSEProgressTracker(job.job_id).send_complete(3, "tout va bien")

    assert now(job).status == status
    assert job.message == ""
    assert events == []


def test_a_tracker_for_a_job_that_does_not_exist_says_what_to_do(transactional_db: None) -> None:
    with pytest.raises(UnknownJobError, match="Create the row first") as caught:
        SSEProgressTracker("nobody-made-this")

    assert caught.value.job_id == "nobody-made-this"


def test_each_warning_has_its_line_even_before_the_start(
    job: SSEProgress, events: list[Event]
) -> None:
    sse = SSEProgressTracker(job.job_id)

    sse.send_warning("la première")
    sse.send_warning("la seconde, à 100 %")

    assert now(job).warning_count == 2
    assert [item.text for item in job.items.all()] == ["la première", "la seconde, à 100 %"]
    assert [event.kind for event in events if event.kind == "warning"] == ["warning"] * 2
    assert [item["message"] for item in events[-1].payload["warnings"]["items"]] == [
        "la première",
        "la seconde, à 100 %",
    ]


# Elsewhere than in an actor


def test_a_thread_may_do_the_work(guide: Guide, job: SSEProgress) -> None:
    tasks = guide("invoices/tasks")

    in_a_thread(lambda: tasks.send_invoices_with_sse.fn(["1", "2", "3"], job.job_id))

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(3)


def test_several_threads_may_count_for_one_job(make_job: MakeJob) -> None:
    job = make_job(total_items=4)
    job.mark_as_started()

    def count() -> None:
        mine = SSEProgress.objects.get(job_id=job.job_id)
        mine.update_progress(processed=1)
        mine.update_progress(processed=1)

    in_a_thread(count)
    in_a_thread(count)
    job.mark_as_completed()

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(4)


def test_a_management_command_may_do_the_work(guide: Guide, make_job: MakeJob) -> None:
    tasks = guide("edi/tasks")
    job = make_job(user=None, task_type="edi_import", total_items=1)

    class Command(BaseCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            tasks.import_edi_files.fn(["un.edi"], job.job_id)

    call_command(Command())

    assert now(job).status == Status.COMPLETED
    assert counts(job) == done(1)
