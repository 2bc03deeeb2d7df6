"""The scheduler rings for what was lost, at once, and never makes a long queue longer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from typing import Any

import dramatiq
import pytest
from django.db import OperationalError
from django.utils import timezone
from dramatiq.brokers.stub import StubBroker

from apps.core.handoff import JOB_OPTION, ring
from apps.core.models import SSEProgress
from apps.core.models.queryset import SSEProgressQuerySet
from apps.core.statuses import Status
from workers import upkeep
from workers.upkeep import Eyesight, ring_again, settle_stale_jobs

LONG_AGO = timedelta(minutes=5)


class CountingBroker(StubBroker):
    """A broker in memory that knows how many messages wait, as ours does."""

    def waiting(self, queue_name: str) -> int:
        """Count them."""
        return int(self.queues[queue_name].qsize())


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingBroker]:
    monkeypatch.setattr(upkeep, "eyesight", Eyesight())
    before = dramatiq.get_broker()
    counting = CountingBroker(middleware=[])
    counting.declare_queue("default")
    dramatiq.set_broker(counting)
    yield counting
    dramatiq.set_broker(before)


def make(**values: Any) -> SSEProgress:
    return SSEProgress.objects.create(
        **{"task_type": "t", "actor": "a", "queue": "default", "epoch": 1, **values}
    )


def rung(broker: StubBroker) -> list[str]:
    sent = [dramatiq.Message.decode(raw) for raw in broker.queues["default"].queue]
    return [message.options[JOB_OPTION] for message in sent]


def left_behind() -> SSEProgress:
    return make(status=Status.RUNNING, lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db
def test_a_dead_workers_job_is_rung_for_in_the_round_that_finds_it(broker: CountingBroker) -> None:
    job = left_behind()

    settle_stale_jobs()

    assert rung(broker) == [job.job_id]
    assert ring_again() == 0


@pytest.mark.django_db
def test_leases_that_ran_out_while_the_database_was_away_are_nobodys_fault(
    broker: CountingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = left_behind()
    with monkeypatch.context() as outage:
        outage.setattr(SSEProgressQuerySet, "_fetch_all", _away)
        with pytest.raises(OperationalError):
            settle_stale_jobs()

    assert settle_stale_jobs() == 0
    monkeypatch.setattr(upkeep.eyesight, "_blind_until", monotonic())
    assert settle_stale_jobs() == 1

    job.refresh_from_db()
    assert job.status == Status.PENDING


def _away(self: object) -> None:
    raise OperationalError("the server is away")


@pytest.mark.django_db
def test_jobs_that_wait_in_a_long_queue_are_not_rung_for_again(broker: CountingBroker) -> None:
    for _ in range(3):
        job = make(enqueued_at=timezone.now() - LONG_AGO)
        ring(job)
        SSEProgress.objects.filter(pk=job.pk).update(enqueued_at=timezone.now() - LONG_AGO)

    assert ring_again() == 0
    assert len(rung(broker)) == 3


@pytest.mark.django_db
def test_jobs_of_a_flushed_queue_are_rung_for_again_once(broker: CountingBroker) -> None:
    jobs = {make(enqueued_at=timezone.now() - LONG_AGO).job_id for _ in range(3)}

    assert ring_again() == 3
    assert set(rung(broker)) == jobs
    assert ring_again() == 0
