"""Each queue has its share of the threads; what is handed back is rung for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

from apps.core.current import current_job_id
from apps.core.handoff import JOB_OPTION
from apps.core.models import SSEProgress
from apps.core.shutdown import stopping
from apps.core.statuses import Status
from tests.workers.waiting import eventually
from workers import middleware
from workers.middleware import ProgressMiddleware, QueueShares, share_of_threads


def worker_for(queues: set[str], threads: int, only: set[str] | None = None) -> dramatiq.Worker:
    broker = StubBroker(middleware=[QueueShares()])
    for queue in queues:
        broker.declare_queue(queue)
    worker = dramatiq.Worker(broker, queues=only, worker_threads=threads)
    broker.emit_before("worker_boot", worker)
    return worker


@pytest.mark.parametrize(
    ("threads", "queues", "share"),
    [(8, 1, 8), (8, 4, 2), (4, 4, 1), (4, 3, 1), (2, 5, 1), (4, 0, 4)],
)
def test_all_shares_together_never_exceed_the_threads_while_each_queue_has_one(
    threads: int, queues: int, share: int
) -> None:
    assert share_of_threads(threads, queues) == share


def test_a_worker_of_all_queues_divides_its_threads() -> None:
    assert worker_for({"mail", "reports"}, 4).queue_prefetch == 2


def test_a_worker_of_one_queue_gives_it_all_threads() -> None:
    assert worker_for({"mail", "reports"}, 4, only={"mail"}).queue_prefetch == 4


def test_an_operators_own_number_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "QUEUE_PREFETCH", 7)

    assert worker_for({"mail"}, 4).queue_prefetch != 4


def test_more_queues_than_threads_are_worth_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    worker_for({"a", "b", "c"}, 2)

    assert "3 queues share 2 threads" in caplog.text


def test_a_short_job_does_not_wait_for_another_queues_long_ones() -> None:
    broker = StubBroker(middleware=[QueueShares()])
    gate, hopped = threading.Event(), threading.Event()
    walk = dramatiq.actor(broker=broker, queue_name="mail", actor_name="walk")(
        lambda: gate.wait(30) and None
    )
    hop = dramatiq.actor(broker=broker, queue_name="reports", actor_name="hop")(hopped.set)
    for _ in range(8):
        walk.send()
    worker = dramatiq.Worker(broker, worker_threads=4, worker_timeout=50)
    worker.start()
    try:
        hop.send()
        eventually(hopped.is_set)
    finally:
        gate.set()
        worker.stop()


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    before = dramatiq.get_broker()
    stub = StubBroker(middleware=[])
    stub.declare_queue("default")
    dramatiq.set_broker(stub)
    yield stub
    dramatiq.set_broker(before)


@pytest.fixture
def stopped() -> Iterator[None]:
    stopping.set()
    yield
    stopping.clear()


def after_a_message_of(job: SSEProgress) -> None:
    message: Any = dramatiq.MessageProxy(
        dramatiq.Message(
            queue_name="default",
            actor_name="a",
            args=(),
            kwargs={},
            options={JOB_OPTION: job.job_id},
        )
    )
    hooks = ProgressMiddleware()
    hooks.before_process_message(dramatiq.get_broker(), message)
    hooks.after_process_message(dramatiq.get_broker(), message)


def make(**values: Any) -> SSEProgress:
    return SSEProgress.objects.create(
        **{"task_type": "t", "actor": "a", "queue": "default", "epoch": 1, **values}
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("stopped")
def test_a_stopping_worker_rings_for_the_job_it_has_handed_back(broker: StubBroker) -> None:
    job = make(status=Status.PENDING)

    after_a_message_of(job)

    sent = [dramatiq.Message.decode(raw) for raw in broker.queues["default"].queue]
    assert [message.options[JOB_OPTION] for message in sent] == [job.job_id]


@pytest.mark.django_db
@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("status", [Status.RUNNING, Status.COMPLETED, Status.PAUSED])
def test_it_rings_for_no_other_job(broker: StubBroker, status: Status) -> None:
    after_a_message_of(make(status=status))

    assert broker.queues["default"].empty()


@pytest.mark.django_db
def test_a_worker_that_goes_on_leaves_ringing_to_others(broker: StubBroker) -> None:
    after_a_message_of(make(status=Status.PENDING))

    assert broker.queues["default"].empty()


@pytest.mark.django_db
def test_after_a_message_no_job_is_the_current_one(broker: StubBroker) -> None:
    after_a_message_of(make(status=Status.PENDING))

    assert current_job_id.get() is None
