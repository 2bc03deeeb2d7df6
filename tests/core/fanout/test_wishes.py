"""A cancel or a pause of the whole reaches its parts, wherever they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from dramatiq.brokers.stub import StubBroker

from apps.core import fanout, parts
from apps.core.models import SSEProgress
from apps.core.statuses import TRANSITIONS, Status
from apps.core.verbs import cancel, pause, resume
from tests.core.fanout.bench import (
    at_item,
    bench,
    counts,
    fresh,
    parts_of,
    rung,
    shared_out,
    statuses,
    work,
    work_all,
)
from workers.upkeep import settle_stale_jobs

pytestmark = pytest.mark.django_db(transaction=True)

Events = list[tuple[str, str, dict[str, Any]]]


def test_the_arrows_that_parts_take_together_are_those_of_the_table() -> None:
    taken = {arrow for wishes in parts.WISHES.values() for arrow in wishes.items()}

    assert taken <= TRANSITIONS


def test_a_cancel_ends_waiting_parts_at_once_and_the_whole_when_the_last_one_has_confirmed(
    alice: User,
) -> None:
    job = shared_out(alice)
    seen: list[tuple[str, list[str]]] = []

    def stop() -> None:
        cancel(fresh(job))
        seen.append((fresh(job).status, statuses(job)))

    at_item(2, stop)
    work(parts_of(job)[0])

    assert seen == [(Status.CANCELLING, [Status.CANCELLING, Status.CANCELLED, Status.CANCELLED])]
    assert (fresh(job).status, statuses(job)) == (Status.CANCELLED, [Status.CANCELLED] * 3)
    assert counts(fresh(job)) == {"done": 2, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 10}


def test_a_cancel_before_any_part_has_begun_is_final_at_once(alice: User, events: Events) -> None:
    job = shared_out(alice)

    assert cancel(job).status == Status.CANCELLED
    assert (events[-1][0], events[-1][1]) == (f"jobs-{alice.pk}", "error")
    assert events[-1][2]["status"] == "cancelled"
    assert work_all(job).processed_items == 0


def test_a_cancel_that_comes_too_late_for_every_part_leaves_the_job_completed(alice: User) -> None:
    job = shared_out(alice, number=1, size=1)
    SSEProgress.objects.filter(parent=job).update(status=Status.RUNNING)
    cancel(fresh(job))
    part = parts_of(job)[0]
    assert (part.status, fresh(job).status) == (Status.CANCELLING, Status.CANCELLING)

    row = SSEProgress.objects.move(part.job_id, Status.COMPLETED, processed_items=1)
    assert row is not None
    fanout.summing.part_changed(row)

    assert fresh(job).status == Status.COMPLETED


def test_the_whole_is_paused_when_the_last_part_under_way_is_and_can_go_on(
    alice: User, broker: StubBroker
) -> None:
    job = shared_out(alice)
    seen: list[tuple[str, list[str]]] = []

    def wait() -> None:
        pause(fresh(job))
        seen.append((fresh(job).status, statuses(job)))

    at_item(6, wait)
    work(parts_of(job)[1])
    assert seen == [(Status.PAUSING, [Status.PAUSED, Status.PAUSING, Status.PAUSED])]
    assert (fresh(job).status, statuses(job)) == (Status.PAUSED, [Status.PAUSED] * 3)
    work_all(job)
    assert counts(fresh(job))["done"] == 2
    rung(broker)

    resumed = resume(fresh(job))

    assert (resumed.status, resumed.lease_until, statuses(job)) == (
        Status.RUNNING,
        None,
        [Status.PENDING] * 3,
    )
    assert rung(broker) == [part.job_id for part in parts_of(job)]
    assert work_all(job).status == Status.COMPLETED
    assert sorted(bench.done) == list(range(1, 13))


def test_a_paused_whole_can_be_cancelled(alice: User) -> None:
    job = shared_out(alice)
    pause(job)

    assert cancel(fresh(job)).status == Status.CANCELLED
    assert statuses(job) == [Status.CANCELLED] * 3


def test_a_wish_whose_parts_are_dead_is_granted_by_the_scheduler(alice: User) -> None:
    job = shared_out(alice)
    part = parts_of(job)[0]
    SSEProgress.objects.filter(pk=part.pk).update(
        status=Status.RUNNING, lease_until=timezone.now() - timedelta(seconds=1)
    )
    cancel(fresh(job))
    assert fresh(job).status == Status.CANCELLING

    settle_stale_jobs()

    assert fresh(job).status == Status.CANCELLED
