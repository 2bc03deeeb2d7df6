"""Short messages are fetched several at a time, and none waits for a long one in the process."""

from __future__ import annotations

import threading
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.broker import MessageProxy
from dramatiq.worker import _WorkQueueItem

from tests.workers.brokers import FOR_EVER, consumer, declare, message, working
from tests.workers.waiting import eventually
from workers import ahead
from workers.backlog import Backlog
from workers.broker import HeronBroker
from workers.middleware import share_of_threads

pytestmark = pytest.mark.integration

PLACES = 4


class Counting:
    """Counts what a broker's consumer asks Valkey for."""

    def __init__(self, broker: HeronBroker, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[int] = []
        fetch = broker.do_fetch

        def counted(queue_name: str, places: int) -> Any:
            self.asked.append(places)
            return fetch(queue_name, places)

        monkeypatch.setattr(broker, "do_fetch", counted, raising=False)


@pytest.fixture
def counting(heron: HeronBroker, monkeypatch: pytest.MonkeyPatch) -> Counting:
    return Counting(heron, monkeypatch)


def enqueue(broker: HeronBroker, count: int) -> None:
    for number in range(count):
        broker.enqueue(message(number))


def handed_out(consuming: Any, count: int) -> list[MessageProxy]:
    found = [next(consuming) for _ in range(count)]
    assert None not in found
    return found


def in_order(messages: list[MessageProxy]) -> list[int]:
    return [each.args[0] for each in messages]


def test_short_messages_are_fetched_several_at_a_time(
    heron: HeronBroker, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "QUICK_SECONDS", 60)
    enqueue(heron, 40)
    consuming = consumer(heron, prefetch=PLACES)
    running = handed_out(consuming, PLACES)
    done: list[MessageProxy] = []

    while len(done) + len(running) < 40:
        consuming.ack(running[0])
        done.append(running.pop(0))
        running += handed_out(consuming, 1)

    assert in_order(done + running) == list(range(40))
    assert counting.asked[:3] == [PLACES, PLACES + 1, PLACES + 1]
    assert len(counting.asked) <= 10
    consuming.close()


def test_long_messages_are_fetched_only_to_be_run_at_once(
    heron: HeronBroker, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "QUICK_SECONDS", 0)
    enqueue(heron, 10)
    consuming = consumer(heron, prefetch=PLACES)
    running = handed_out(consuming, PLACES)

    consuming.ack(running.pop())
    handed_out(consuming, 1)

    assert counting.asked == [PLACES, 1]
    assert heron.waiting("q") == 10 - PLACES - 1
    consuming.close()


def test_no_more_are_handed_out_than_there_are_places(
    heron: HeronBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "QUICK_SECONDS", 60)
    enqueue(heron, 20)
    consuming = heron.consume("q", prefetch=PLACES, timeout=20)
    running = handed_out(consuming, PLACES)
    consuming.ack(running.pop())
    running += handed_out(consuming, 1)

    assert next(consuming) is None
    assert len(running) == PLACES
    consuming.close()


def test_what_is_held_back_goes_to_another_worker_when_a_long_message_comes(
    heron: HeronBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "QUICK_SECONDS", 60)
    enqueue(heron, PLACES + 3)
    busy = heron.consume("q", prefetch=PLACES, timeout=20)
    running = handed_out(busy, PLACES)
    busy.ack(running.pop())
    running += handed_out(busy, 1)
    assert heron.waiting("q") == 0

    # Nothing more is done: these are long ones.
    assert next(busy) is None

    idle = consumer(heron, prefetch=PLACES)
    assert sorted(in_order(handed_out(idle, 2))) == [PLACES + 1, PLACES + 2]
    for consuming in (busy, idle):
        consuming.close()


def test_a_stopping_worker_gives_back_what_it_holds(
    heron: HeronBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "QUICK_SECONDS", 60)
    enqueue(heron, PLACES + 3)
    consuming = heron.consume("q", prefetch=PLACES, timeout=FOR_EVER)
    running = handed_out(consuming, PLACES)
    consuming.ack(running.pop())
    handed_out(consuming, 1)

    heron.resting.set()

    assert next(consuming) is None
    eventually(lambda: heron.waiting("q") == 2)
    consuming.close()


def test_a_worker_for_one_queue_is_handed_as_many_as_are_soon_done(
    heron: HeronBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "QUICK_SECONDS", 60)
    waiting: list[int] = []
    done: list[int] = []

    def work(number: int) -> None:
        assert heron.rest.worker is not None
        waiting.append(heron.rest.worker.work_queue.qsize())
        done.append(number)

    actor = declare(heron, "work", work)
    for number in range(100):
        actor.send(number)
    with working(heron, worker_threads=2, prefetch=2):
        eventually(lambda: len(done) == 100)

    assert sorted(done) == list(range(100))
    assert 2 < max(waiting) <= 2 * ahead.DEEP


def test_what_waits_behind_a_long_message_goes_back_for_another_worker(
    heron: HeronBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "QUICK_SECONDS", 60)
    gate = threading.Event()
    done: list[int] = []

    def work(number: int) -> None:
        done.append(number)
        if number == 20:
            gate.wait(30)

    actor = declare(heron, "work", work)
    for number in range(40):
        actor.send(number)
    with working(heron, worker_threads=1, prefetch=1) as worker:
        eventually(lambda: heron.waiting("q") == 19)
        assert worker.work_queue.qsize() == 0
        gate.set()
        eventually(lambda: len(done) == 40)

    assert sorted(done) == list(range(40))


@pytest.mark.parametrize("threads", [1, 4])
def test_beside_another_queue_no_more_are_handed_out_than_may_run(
    heron: HeronBroker, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(ahead, "QUICK_SECONDS", 60)
    heron.declare_queue("other")
    share = share_of_threads(threads, queues=2)
    waiting: list[int] = []

    def work(_number: int) -> None:
        assert heron.rest.worker is not None
        waiting.append(heron.rest.worker.work_queue.qsize())

    actor = declare(heron, "work", work)
    for number in range(50):
        actor.send(number)
    with working(heron, worker_threads=threads, prefetch=share):
        eventually(lambda: len(waiting) == 50)

    assert max(waiting) < share


def test_what_can_not_be_given_back_waits_on(
    heron: HeronBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = dramatiq.Worker(heron)
    backlog = Backlog(worker)
    for number in range(3):
        worker.work_queue.put(_WorkQueueItem(0, MessageProxy(message(number))))

    def give_back() -> None:
        with backlog.taken() as messages:
            assert in_order(messages) == [0, 1, 2]
            raise redis.ConnectionError

    with pytest.raises(redis.ConnectionError):
        give_back()
    assert worker.work_queue.qsize() == worker.work_queue.unfinished_tasks == 3
    with backlog.taken():
        pass
    assert worker.work_queue.unfinished_tasks == 0
