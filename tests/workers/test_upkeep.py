"""The scheduler's work: staleness is a missing life sign, never an age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from django.db import OperationalError
from django.utils import timezone
from dramatiq.brokers.stub import StubBroker

from apps.core.models import SSEProgress
from apps.core.statuses import LEASED, TERMINAL, Status
from workers import upkeep
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


@pytest.mark.django_db
def test_a_job_that_can_not_be_settled_holds_up_no_other(
    broker: StubBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ago = timezone.now() - timedelta(seconds=1)
    bad, good = (make(status=Status.RUNNING, lease_until=ago) for _ in range(2))
    part_less = make(status=Status.RUNNING, fanned_out=True, updated_at=ago)
    unstarted = make(actor="", updated_at=timezone.now() - timedelta(days=2))
    breaking(monkeypatch, "settle_abandoned", bad)

    assert settle_stale_jobs() == 3

    assert [status_of(job) for job in (bad, good, unstarted)] == ["running", "pending", "expired"]
    assert status_of(part_less) not in LEASED
    assert bad.job_id in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["tend", "expire"])
def test_neither_does_one_of_any_other_step(
    step: str, broker: StubBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    values: dict[str, Any] = (
        {"status": Status.RUNNING, "fanned_out": True} if step == "tend" else {"actor": ""}
    )
    bad, good = (make(updated_at=timezone.now() - timedelta(days=2), **values) for _ in range(2))
    breaking(monkeypatch, step, bad)

    assert settle_stale_jobs() == 1

    assert status_of(bad) == values.get("status", Status.PENDING)
    assert status_of(good) in TERMINAL


@pytest.mark.django_db
def test_a_job_that_can_not_be_rung_for_holds_up_no_other(
    broker: StubBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = make(), make()
    breaking(monkeypatch, "ring", bad)

    assert ring_again() == 1

    good.refresh_from_db()
    assert good.enqueued_at is not None


@pytest.mark.django_db
def test_a_database_that_goes_away_ends_the_round(
    broker: StubBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        make(status=Status.RUNNING, lease_until=timezone.now() - timedelta(seconds=1))
    asked: list[SSEProgress] = []

    def away(job: SSEProgress) -> None:
        asked.append(job)
        raise OperationalError("the server is away")

    monkeypatch.setattr(upkeep, "settle_abandoned", away)

    with pytest.raises(OperationalError):
        settle_stale_jobs()

    assert len(asked) == 1


def status_of(job: SSEProgress) -> str:
    job.refresh_from_db()
    return job.status


def breaking(monkeypatch: pytest.MonkeyPatch, step: str, bad: SSEProgress) -> None:
    """Let one of the scheduler's steps raise for a job."""
    real = getattr(upkeep, step)

    def broken(job: SSEProgress) -> Any:
        if job.pk == bad.pk:
            raise ValueError("this row is not as it should be")
        return real(job)

    monkeypatch.setattr(upkeep, step, broken)
