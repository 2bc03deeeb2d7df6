"""What the scheduler makes of a database's clock that somebody sets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.core.models import SSEProgress
from apps.core.statuses import Status
from workers.upkeep import settle_stale_jobs

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
WAIT = timedelta(seconds=20)


def make(**values: Any) -> SSEProgress:
    return SSEProgress.objects.create(
        **{"task_type": "t", "actor": "a", "queue": "default", "epoch": 1, **values}
    )


def put_off(written: Any, wait: timedelta = WAIT) -> SSEProgress:
    return make(status=Status.PENDING, updated_at=written, not_before=written + wait)


def wait_left(job: SSEProgress) -> timedelta:
    job.refresh_from_db()
    assert job.not_before is not None
    return job.not_before - timezone.now()


def test_a_back_off_does_not_wait_out_a_clock_that_was_put_back() -> None:
    job = put_off(timezone.now() + HOUR)

    settle_stale_jobs()

    assert timedelta() < wait_left(job) <= WAIT


def test_a_wait_of_hours_that_an_author_asked_for_stays_one_of_hours() -> None:
    job = put_off(timezone.now() + HOUR, 5 * HOUR)

    settle_stale_jobs()

    assert 4.9 * HOUR < wait_left(job) <= 5 * HOUR


def test_a_back_off_by_a_right_clock_is_left_alone() -> None:
    job = put_off(timezone.now() - timedelta(seconds=5))
    before = job.not_before

    for _ in range(2):
        settle_stale_jobs()

    job.refresh_from_db()
    assert job.not_before == before


def test_a_wait_that_was_pulled_in_is_not_begun_again_at_each_tick() -> None:
    job = put_off(timezone.now() + HOUR)
    settle_stale_jobs()
    job.refresh_from_db()
    before = job.not_before

    settle_stale_jobs()

    job.refresh_from_db()
    assert job.not_before == before
