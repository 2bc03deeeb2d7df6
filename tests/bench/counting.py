"""The loops of bench_progress; imported once Django is set up."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django_eventstream import send_event

from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker

BATCH = 100
LATER = timezone.now()

_names = count()


def plain_loop(items: int) -> None:
    """Count items that do nothing."""

    def work(progress: ProgressTracker) -> None:
        for _ in progress.track(range(items)):
            pass

    _done(items, work)


def exact_loop(items: int) -> None:
    """Insert a row an item, exactly once."""

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(items)):
            with progress.item(n):
                _insert()

    _done(items, work)


def reserved_loop(items: int) -> None:
    """Reserve and settle items whose effect costs nothing."""

    def work(progress: ProgressTracker) -> None:
        for n in progress.track(range(items)):
            with progress.item(n, irreversible=True):
                pass

    _done(items, work)


def bare_inserts(items: int) -> None:
    """Insert a row an item in batched transactions, without books."""
    for start in range(0, items, BATCH):
        with transaction.atomic():
            for _ in range(start, min(start + BATCH, items)):
                _insert()


def two_updates(items: int) -> None:
    """Commit two updates an item."""
    job = _job()
    rows = SSEProgress.objects.filter(pk=job.pk)
    for n in range(items):
        rows.update(message="reserved")
        rows.update(processed_items=n)


def the_guides_loop(items: int) -> None:
    """Update the row and send an event for each item, as the guide's code does."""
    job = _job()
    job.status, job.total_items = Status.RUNNING, items
    for _ in range(items):
        job.processed_items += 1
        job.save()
        send_event(f"progress-{job.job_id}", "progress", snapshot(job))


def _insert() -> None:
    Session.objects.create(session_key=f"bench-{next(_names)}", session_data="", expire_date=LATER)


def _job() -> SSEProgress:
    return SSEProgress.objects.create(task_type="bench", actor="bench", queue="bench")


def _done(items: int, work: Callable[[ProgressTracker], None]) -> None:
    """Make an attempt, and make sure that it did what is measured."""
    job = _job()
    run(job.job_id, work)
    job.refresh_from_db()
    if (job.status, job.processed_items) != (Status.COMPLETED, items):
        raise RuntimeError(f"{job.status} with {job.processed_items} of {items}: {job.error}")
