"""A plain job lives as long as the thread that works on it, and is expired after that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import InterfaceError, close_old_connections, connection
from django.utils import timezone

from apps.core.bin.sse_progress import SSEProgressTracker
from apps.core.models import SSEProgress
from apps.core.pulse import PlainLife, Pulse, lives_of_this_thread
from apps.core.statuses import Status
from tests.guide.conftest import Event
from workers.upkeep import settle_stale_jobs

#: Seconds after which a test that waits for another thread gives up.
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _no_lives_left() -> Iterator[None]:
    yield
    lives_of_this_thread().clear()


def in_a_thread(work: Callable[[], None]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def silence(job: SSEProgress) -> None:
    """Let a lease's time go by."""
    past = timezone.now() - timedelta(minutes=1)
    SSEProgress.objects.filter(job_id=job.job_id).update(lease_until=past, updated_at=past)
    job.refresh_from_db()


def life_of(job: SSEProgress) -> PlainLife:
    return lives_of_this_thread()[job.job_id]


def test_the_thread_that_starts_a_job_keeps_it_alive(job: SSEProgress, settings: Any) -> None:
    settings.PROGRESS_LEASE_SECONDS = 0.0  # a renewal is due at once
    job.mark_as_started()
    settings.PROGRESS_LEASE_SECONDS = 10.0
    silence(job)

    assert life_of(job).beat() is True

    job.refresh_from_db()
    assert job.lease_until is not None
    assert job.lease_until > timezone.now()
    assert timezone.now() - job.updated_at < timedelta(seconds=30)
    assert settle_stale_jobs() == 0


def test_a_thread_that_takes_a_running_job_over_keeps_it_alive(job: SSEProgress) -> None:
    in_a_thread(job.mark_as_started)
    silence(job)

    job.mark_as_started()

    assert life_of(job).beat() is True
    assert settle_stale_jobs() == 0
    assert job.attempts == 1


def test_a_thread_that_reports_progress_keeps_the_job_alive(job: SSEProgress) -> None:
    in_a_thread(job.mark_as_started)

    SSEProgressTracker(job.job_id).send_progress(1, 3)

    assert life_of(job).beat() is True


def test_nobody_vouches_for_a_job_that_is_over(job: SSEProgress) -> None:
    job.update_progress(processed=3)
    life = life_of(job)

    job.mark_as_completed()

    assert life.beat() is False
    assert job.job_id not in lives_of_this_thread()


def test_a_view_that_starts_a_job_does_not_vouch_for_it_beyond_its_request(
    job: SSEProgress,
) -> None:
    job.mark_as_started()
    life = life_of(job)
    request_finished.disconnect(close_old_connections)

    try:
        request_finished.send(sender=None)
    finally:
        request_finished.connect(close_old_connections)

    assert life.beat() is False
    assert job.job_id not in lives_of_this_thread()


def test_work_that_neither_completes_nor_fails_is_expired_and_says_so(
    job: SSEProgress, events: list[Event]
) -> None:
    lives: list[PlainLife] = []

    def work() -> None:
        job.update_progress(processed=1)
        lives.append(life_of(job))

    in_a_thread(work)
    assert lives[0].beat() is False
    silence(job)
    settle_stale_jobs()

    job.refresh_from_db()
    assert job.status == Status.EXPIRED
    assert job.processed_items == 1
    assert events[-1].kind == "error"
    assert events[-1].payload["status"] == "expired"
    assert events[-1].payload["error"]["message"]
    assert events[-1].payload["error"]["hint"]


class Member:
    """Somebody whom the pulse keeps going: ends in an error, or signals that it was heard."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.beaten = threading.Event()
        self.beats = 0

    def beat(self) -> bool:
        self.beats += 1
        if self.error is not None and self.beats == 1:
            raise self.error
        self.beaten.set()
        return False


@pytest.mark.parametrize("error", [InterfaceError("connection already closed"), KeyError("bug")])
def test_the_pulse_outlives_one_members_trouble(settings: Any, error: Exception) -> None:
    settings.PROGRESS_PULSE = True
    settings.PROGRESS_FLUSH_SECONDS = 0.01
    pulse, later = Pulse(), Member()

    pulse.join(Member(error))
    pulse.join(later)

    assert later.beaten.wait(PATIENCE)


def test_a_connection_that_was_closed_costs_one_beat(settings: Any) -> None:
    settings.PROGRESS_PULSE = True
    settings.PROGRESS_FLUSH_SECONDS = 0.01
    member = Member(InterfaceError("connection already closed"))

    Pulse().join(member)

    assert member.beaten.wait(PATIENCE)
    assert member.beats == 2
