"""How one job looks in the history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from apps.core.job_row import LOOKS, duration_of, outcome_of, row_of, segments_of, size_of
from apps.core.models import SSEProgress
from apps.core.statuses import Status

INVOICES = {"one": "invoice", "other": "invoices"}


@pytest.fixture(autouse=True)
def _english() -> Any:
    with translation.override("en"):
        yield


def job_of(status: Status = Status.COMPLETED, **values: Any) -> SSEProgress:
    return SSEProgress(status=status, task_type="email_sending", **values)


def test_every_state_has_a_look() -> None:
    assert set(LOOKS) == set(Status)


def test_a_completed_job_with_failed_items_does_not_look_like_a_success() -> None:
    clean = row_of(job_of(total_items=2, processed_items=2))
    dirty = row_of(job_of(total_items=2, processed_items=2, failed_items=1))

    assert (clean.tone, str(clean.label)) == ("ok", "Completed")
    assert (dirty.tone, str(dirty.label)) == ("warn", "With errors")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"total_items": 1, "processed_items": 1}, "1 invoice"),
        ({"total_items": 12408, "processed_items": 12408}, "12,408 invoices"),
        (
            {"total_items": 9, "processed_items": 9, "failed_items": 2, "skipped_items": 1},
            "6 invoices, 2 failed, 1 skipped",
        ),
        ({"total_items": 3, "processed_items": 3, "in_doubt_items": 3}, "0 invoices, 3 in doubt"),
        ({"total_items": 9, "processed_items": 4}, "4 of 9 invoices"),
        ({"total_items": None, "processed_items": 4}, "4 invoices"),
        ({"total_items": None, "processed_items": 0}, ""),
        ({"result": {"summary": "%(n)s mails.", "params": {"n": 3}}}, "3 mails."),
        (
            {"error": {"message": "Line %(n)s.", "params": {"n": 7}}, "result": {"summary": "No"}},
            "Line 7.",
        ),
    ],
)
def test_an_outcome_is_told_in_words(values: dict[str, Any], expected: str) -> None:
    assert outcome_of(job_of(unit=INVOICES, **values)) == expected


def test_the_size_is_the_kind_of_work_while_nobody_knows_the_total() -> None:
    assert size_of(job_of(total_items=None)) == "email_sending"
    assert size_of(job_of(total_items=2)) == "2 items"


def test_a_duration_runs_until_the_end_or_until_now() -> None:
    start = timezone.now() - timedelta(hours=1)

    assert duration_of(job_of(started_at=None)) is None
    assert duration_of(job_of(started_at=start, finished_at=start + timedelta(seconds=42))) == 42
    going_on = duration_of(job_of(Status.RUNNING, started_at=start))
    assert going_on is not None
    assert going_on >= 3600


def test_one_failure_among_thousands_can_be_seen_and_stays_inside_the_bar() -> None:
    done, failed = segments_of(job_of(total_items=9000, processed_items=9000, failed_items=1))

    assert done.tone == "ok"
    assert failed.tone == "err"
    assert (failed.x, failed.width) == ("97.5%", "2.5%")


def test_the_bar_is_written_with_points_in_every_language() -> None:
    with translation.override("fr"):
        (segment,) = segments_of(job_of(total_items=3, processed_items=1))

    assert (segment.x, segment.width) == ("0.0%", "33.3%")


def test_a_job_that_counted_nothing_has_an_empty_bar() -> None:
    assert segments_of(job_of(total_items=None)) == []
