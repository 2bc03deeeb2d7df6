"""Two things at the very same moment, on real databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from apps.core import fanout
from apps.core.errors import ItemFailed, NotPossibleNowError
from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.statuses import LEASED, Status
from apps.core.verbs import cancel, pause, retry
from tests.core.fanout.bench import bench, counts, fresh, parts_of, shared_out, statuses, work_all
from tests.core.fanout.crew import Crew, books_hold

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("verb", [cancel, pause])
def test_a_part_that_is_handed_back_at_that_very_moment_is_reached_too(
    alice: User, verb: Callable[[SSEProgress], SSEProgress]
) -> None:
    job = shared_out(alice, number=3)
    asked = threading.Event()

    def pass_around(part: SSEProgress) -> None:
        """Be a worker that is stopped as soon as it has taken the part up."""
        while not asked.is_set():
            row = SSEProgress.objects.claim(part.job_id, "a worker")
            if row is not None:
                SSEProgress.objects.move(row.job_id, Status.PENDING, epoch=row.epoch)

    def ask() -> None:
        time.sleep(0.05)
        verb(fresh(job))
        asked.set()

    crew = Crew()
    for part in parts_of(job):
        crew.start(pass_around, part)
    crew.start(ask)
    crew.join()

    assert not set(statuses(job)) & {Status.PENDING, Status.RUNNING}


@pytest.mark.usefixtures("shared")
def test_two_who_retry_at_once_are_counted_once(alice: User) -> None:
    bench.broken = {n: ItemFailed("no") for n in range(1, 13, 3)}
    job = work_all(shared_out(alice))
    together = threading.Barrier(2)
    refused: list[str] = []

    def again() -> None:
        row = fresh(job)
        together.wait()
        try:
            retry(row)
        except NotPossibleNowError:
            refused.append("no")

    crew = Crew()
    crew.start(again)
    crew.start(again)
    crew.join()

    assert refused == ["no"]
    assert counts(fresh(job)) == {"done": 8, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 4}
    assert JobItem.objects.filter(outcome=Outcome.RETRY).count() == 4


@pytest.mark.usefixtures("shared")
def test_a_sum_is_never_written_over_by_an_older_one(alice: User) -> None:
    job = shared_out(alice, number=2, size=100)
    first, second = parts_of(job)
    SSEProgress.objects.filter(pk__in=[first.pk, second.pk]).update(
        status=Status.RUNNING, lease_until=timezone.now() + timedelta(hours=1)
    )
    over = threading.Event()
    seen: list[dict[str, Any]] = []

    def count(part: SSEProgress) -> None:
        for done in range(1, 60):
            SSEProgress.objects.filter(pk=part.pk).update(processed_items=done)
            with transaction.atomic():
                fanout.settle(job.job_id)

    def poll() -> None:
        while not over.is_set():
            books_hold(job, seen)
            time.sleep(0.002)

    crew, poller = Crew(), Crew()
    poller.start(poll)
    crew.start(count, first)
    crew.start(count, second)
    crew.join()
    over.set()
    poller.join()

    assert fresh(job).processed_items == 118
    assert fresh(job).status in LEASED
