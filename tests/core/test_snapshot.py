"""The one wire format: what it says, in which language, and how big it may get."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.snapshot import message_text, percent, snapshot, snapshot_for_reader
from apps.core.statuses import Status
from apps.core.ticker import Ticker

#: The keys that clients rely on.
KEYS = {
    "v",
    "job_id",
    "seq",
    "kind",
    "lang",
    "task_type",
    "status",
    "title",
    "message",
    "current",
    "total",
    "percent",
    "counts",
    "success_count",
    "failed_items",
    "unit",
    "stage",
    "rate",
    "eta_s",
    "elapsed_s",
    "resumes_in_s",
    "queue_position",
    "warnings",
    "result",
    "error",
    "worker",
}


def make(**values: Any) -> SSEProgress:
    return SSEProgress(**{"job_id": "abc-123", "task_type": "mail", **values})


def test_every_key_of_the_contract_is_there(job: SSEProgress) -> None:
    assert set(snapshot(job)) == KEYS


def test_a_job_that_was_put_off_says_for_how_long() -> None:
    later = timezone.now() + timedelta(seconds=41.5)

    assert snapshot(make(not_before=later))["resumes_in_s"] == 42
    assert snapshot(make(not_before=timezone.now()))["resumes_in_s"] is None
    assert snapshot(make())["resumes_in_s"] is None
    assert snapshot(make(not_before=later, status=Status.CANCELLED))["resumes_in_s"] is None


def test_why_a_job_was_put_off_and_until_when_are_two_sentences() -> None:
    at = datetime(2099, 3, 2, 8, 30, tzinfo=timezone.get_current_timezone())
    row = make(actor="x", message="Away: Connection refused", not_before=at)

    with translation.override("en"):
        assert message_text(row) == "Away: Connection refused. Next try at 8:30 a.m."
    with translation.override("fr"):
        assert message_text(row) == "Away: Connection refused. Prochain essai à 08:30."


def test_the_counts_always_add_up_to_the_total() -> None:
    row = make(total_items=100, processed_items=60, skipped_items=7)

    state = snapshot(row)

    assert state["counts"] == {"done": 53, "skipped": 7, "failed": 0, "in_doubt": 0, "left": 40}
    assert sum(state["counts"].values()) == state["total"]


@pytest.mark.parametrize(
    ("status", "processed", "total", "expected"),
    [
        (Status.PENDING, 0, None, None),
        (Status.RUNNING, 0, 200, 0),
        (Status.RUNNING, 1, 3, 33),
        (Status.RUNNING, 999, 1000, 99),
        (Status.RUNNING, 1000, 1000, 99),
        (Status.RUNNING, 5, 3, 99),
        (Status.FAILED, 3, 3, 99),
        (Status.COMPLETED, 3, 3, 100),
        (Status.COMPLETED, 0, 0, 100),
        (Status.RUNNING, 7, None, None),
    ],
)
def test_percent_is_rounded_down_and_only_the_end_is_100(
    status: Status, processed: int, total: int | None, expected: int | None
) -> None:
    assert percent(make(status=status, processed_items=processed, total_items=total)) == expected


def test_a_stage_only_fills_its_share_of_the_bar() -> None:
    row = make(
        status=Status.RUNNING,
        processed_items=1,
        total_items=2,
        stage={"index": 2, "count": 2, "label": "Writing", "base": 0.4, "share": 0.6},
    )

    assert percent(row) == 70


def test_texts_are_in_the_readers_language(job: SSEProgress) -> None:
    with translation.override("en"):
        english = snapshot(job)
    with translation.override("fr"):
        french = snapshot(job)

    assert (english["lang"], french["lang"]) == ("en", "fr")
    assert english["message"] == "Waiting for the queue."
    assert french["message"] != english["message"]


def test_words_that_are_no_msgid_come_back_as_they_are() -> None:
    assert (
        snapshot(make(status=Status.RUNNING, message="100 % à fond"))["message"] == "100 % à fond"
    )


def test_at_most_twenty_warnings_ride_along_and_the_event_stays_small(job: SSEProgress) -> None:
    JobItem.objects.bulk_create(
        JobItem(
            job=job, key=str(n), ref=f"F2026-{n:04}", outcome=Outcome.FAILED, message="No " * 30
        )
        for n in range(500)
    )
    SSEProgress.objects.filter(pk=job.pk).update(
        processed_items=500, failed_items=500, total_items=500
    )
    job.refresh_from_db()

    state = snapshot(job)

    assert state["warnings"]["total"] == 500
    assert [w["ref"] for w in state["warnings"]["items"]] == [
        f"F2026-{n:04}" for n in range(480, 500)
    ]
    assert len(json.dumps(state)) < 8000


def test_a_worker_whose_lease_has_run_out_is_not_shown_as_alive() -> None:
    now = timezone.now()
    row = make(status=Status.RUNNING, updated_at=now, lease_until=now - timedelta(seconds=1))

    assert snapshot(row)["worker"]["alive"] is False


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (Status.PENDING, ["cancel"]),
        (Status.RUNNING, ["pause", "cancel"]),
        (Status.PAUSED, ["resume", "cancel"]),
        (Status.CANCELLING, []),
        (Status.FAILED, ["retry"]),
    ],
)
def test_a_reader_is_offered_what_is_possible_now(
    job: SSEProgress, status: Status, names: list[str]
) -> None:
    SSEProgress.objects.filter(pk=job.pk).update(status=status)
    job.refresh_from_db()

    offered = snapshot_for_reader(job)["actions"]

    assert [action["name"] for action in offered] == names
    assert all(action["url"].startswith("/core/sse-progress/") for action in offered)


def test_a_job_with_items_in_doubt_leads_to_where_a_person_decides(job: SSEProgress) -> None:
    SSEProgress.objects.filter(pk=job.pk).update(
        status=Status.COMPLETED, total_items=2, processed_items=2, in_doubt_items=1
    )
    job.refresh_from_db()

    assert snapshot(job)["result"] is None
    (link,) = snapshot_for_reader(job)["result"]["links"]
    assert link["href"] == f"/core/jobs/{job.job_id}/?outcome=in_doubt"


def test_a_worker_whose_lease_the_pulse_keeps_is_alive(job: SSEProgress, settings: Any) -> None:
    settings.PROGRESS_LEASE_SECONDS = 0
    row = SSEProgress.objects.claim(job.job_id, "worker")
    assert row is not None
    ticker = Ticker(row)
    assert snapshot(row)["worker"]["alive"] is False

    settings.PROGRESS_LEASE_SECONDS = 10
    ticker.beat()

    assert snapshot(row)["worker"]["alive"] is True
