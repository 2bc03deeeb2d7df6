"""The scheduler's work: staleness is a missing life sign, never an age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from django.utils import timezone
from dramatiq.brokers.stub import StubBroker

from apps.core.models import SSEProgress
from apps.core.statuses import Status
from workers.upkeep import ring_again, settle_stale_jobs

AGO = timedelta(hours=3)


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    before = dramatiq.get_broker()
    stub = StubBroker(middleware=[])
    stub.declare_queue("default")
    dramatiq.set_broker(stub)
    yield stub
    dramatiq.set_broker(before)


def make(**values: Any) -> SSEProgress:
    return SSEProgress.objects.create(
        **{"task_type": "t", "actor": "a", "queue": "default", "epoch": 1, **values}
    )


def after_settling(job: SSEProgress) -> SSEProgress:
    settle_stale_jobs()
    job.refresh_from_db()
    return job


@pytest.mark.django_db
def test_a_job_that_works_for_hours_is_not_stale() -> None:
    job = make(
        status=Status.RUNNING,
        started_at=timezone.now() - AGO,
        lease_until=timezone.now() + timedelta(seconds=5),
    )

    assert after_settling(job).status == Status.RUNNING


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Status.RUNNING, Status.PENDING),
        (Status.PAUSING, Status.PAUSED),
        (Status.CANCELLING, Status.CANCELLED),
    ],
)
def test_a_dead_workers_job_goes_to_where_it_truly_stands(before: Status, after: Status) -> None:
    job = make(status=before, lease_until=timezone.now() - timedelta(seconds=1))

    assert after_settling(job).status == after


@pytest.mark.django_db
def test_a_dead_plain_job_is_expired_and_says_so() -> None:
    job = make(actor="", status=Status.RUNNING, lease_until=timezone.now() - timedelta(seconds=1))

    settled = after_settling(job)

    assert settled.status == Status.EXPIRED
    assert settled.error["message"]
    assert settled.finished_at is not None


@pytest.mark.django_db
def test_an_item_under_way_when_its_worker_died_is_in_doubt_in_a_cancelled_job() -> None:
    job = make(
        status=Status.CANCELLING,
        lease_until=timezone.now() - timedelta(seconds=1),
        total_items=3,
        processed_items=1,
        cursor={"1": {"after": 1, "total": 3, "reserved": {"key": "2", "ref": "F-2", "after": 2}}},
    )

    settled = after_settling(job)

    assert settled.status == Status.CANCELLED
    assert settled.books.counts() == {
        "done": 1,
        "skipped": 0,
        "failed": 0,
        "in_doubt": 1,
        "left": 1,
    }
    assert [line.ref for line in settled.items.all()] == ["F-2"]


@pytest.mark.django_db
def test_a_plain_job_that_nobody_ever_started_expires_in_the_end() -> None:
    old = make(actor="", updated_at=timezone.now() - timedelta(days=2))
    young = make(actor="", updated_at=timezone.now() - AGO)

    assert after_settling(old).status == Status.EXPIRED
    assert after_settling(young).status == Status.PENDING


@pytest.mark.django_db
def test_settling_twice_is_the_same_as_once() -> None:
    job = make(status=Status.RUNNING, lease_until=timezone.now() - timedelta(seconds=1))

    seq = after_settling(job).seq

    assert settle_stale_jobs() == 0
    assert SSEProgress.objects.get(pk=job.pk).seq == seq


@pytest.mark.django_db
def test_a_waiting_job_without_a_message_is_rung_for(broker: StubBroker) -> None:
    unsent = make()
    lost = make(enqueued_at=timezone.now() - timedelta(minutes=5))
    make(enqueued_at=timezone.now())
    make(actor="")

    assert ring_again() == 2

    sent = {
        dramatiq.Message.decode(raw).options["progress_id"]
        for raw in broker.queues["default"].queue
    }
    assert sent == {unsent.job_id, lost.job_id}
    assert ring_again() == 0
