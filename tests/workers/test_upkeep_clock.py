"""What the scheduler makes of a database's clock that somebody sets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.core.conf import conf
from apps.core.models import SSEProgress, SSEProgressQuerySet
from apps.core.models.queryset import PLAIN_LEASES
from apps.core.statuses import Status
from workers import upkeep
from workers.upkeep import Eyesight, settle_stale_jobs

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


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A scheduler's eyesight, and the two clocks that it compares."""
    monkeypatch.setattr(upkeep, "eyesight", Eyesight())
    clock = Clock()
    monkeypatch.setattr(upkeep, "monotonic", lambda: clock.own)
    monkeypatch.setattr(SSEProgressQuerySet, "database_clock", lambda _: clock.read())
    return clock


class Clock:
    """The database's clock and the scheduler's own."""

    def __init__(self) -> None:
        self.own = 100.0
        self.database = timezone.now()
        self.answers_after = 0.0

    def read(self) -> datetime:
        """Ask the database, which takes its time."""
        found = self.database
        self.tick(self.answers_after)
        return found

    def tick(self, seconds: float) -> None:
        """Let time go by."""
        self.own += seconds
        self.database += timedelta(seconds=seconds)


def ran_out(**values: Any) -> SSEProgress:
    return make(status=Status.RUNNING, lease_until=timezone.now() - HOUR / 2, **values)


def status_of(job: SSEProgress) -> str:
    job.refresh_from_db()
    return job.status


def test_leases_that_a_clock_put_forward_has_ended_are_not_believed_at_once(clock: Clock) -> None:
    settle_stale_jobs()
    clock.database += HOUR
    ours, plain = ran_out(), ran_out(actor="")

    settle_stale_jobs()
    assert [status_of(job) for job in (ours, plain)] == ["running", "running"]

    # Whoever lives has renewed a lease by now, but a plain job needs longer for that.
    clock.tick(conf.LEASE_SECONDS)
    settle_stale_jobs()
    assert [status_of(job) for job in (ours, plain)] == ["pending", "running"]

    clock.tick((PLAIN_LEASES - 1) * conf.LEASE_SECONDS)
    settle_stale_jobs()
    assert status_of(plain) == Status.EXPIRED


def test_a_clock_that_is_put_forward_at_the_very_moment_is_not_believed(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle_stale_jobs()
    job = ran_out()
    read = SSEProgressQuerySet._fetch_all

    def read_and_step(self: Any) -> None:
        read(self)
        clock.database += HOUR

    monkeypatch.setattr(SSEProgressQuerySet, "_fetch_all", read_and_step)

    settle_stale_jobs()

    assert status_of(job) == Status.RUNNING


def test_a_slow_answer_is_no_step_of_the_clock(clock: Clock) -> None:
    clock.answers_after = 5.0
    settle_stale_jobs()
    clock.answers_after = 0.0
    clock.tick(0.5)
    job = ran_out()

    settle_stale_jobs()

    assert status_of(job) == Status.PENDING


def test_the_first_look_believes_what_it_sees(clock: Clock) -> None:
    job = ran_out()

    settle_stale_jobs()

    assert status_of(job) == Status.PENDING


def test_the_databases_clock_can_be_read_with_no_job_in_it() -> None:
    assert abs(SSEProgress.objects.database_clock() - timezone.now()) < timedelta(minutes=5)


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
