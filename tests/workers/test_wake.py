"""An idle consumer wakes when a message comes: here nothing else would end its waits in time."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.workers.brokers import (
    Asking,
    asleep,
    consumer,
    heron_broker,
    message,
    stock_broker,
    working,
)
from tests.workers.waiting import eventually, more_than
from workers.broker import HeronBroker
from workers.wake import QueueWatch

pytestmark = pytest.mark.integration


def test_a_message_wakes_a_consumer_that_sleeps(heron: HeronBroker) -> None:
    consuming = consumer(heron)
    asking = Asking(consuming)
    asleep(heron)

    heron.enqueue(message(1))

    assert asking.answer() is None
    assert next(consuming).args == (1,)
    consuming.close()


def test_a_message_of_dramatiqs_own_broker_wakes_it_too(
    heron: HeronBroker, valkey_url: str
) -> None:
    stock = stock_broker(valkey_url)
    stock.namespace = heron.namespace  # type: ignore[attr-defined]
    consuming = consumer(heron)
    asking = Asking(consuming)
    asleep(heron)

    stock.enqueue(message(1))

    assert asking.answer() is None
    assert next(consuming).args == (1,)
    consuming.close()


def test_a_message_between_the_fetch_and_the_first_wait_is_not_slept_over(
    heron: HeronBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    consuming = consumer(heron)
    wait = QueueWatch.wait

    def late(watch: QueueWatch, seconds: float) -> None:
        monkeypatch.undo()
        heron.enqueue(message(1))
        wait(watch, seconds)

    monkeypatch.setattr(QueueWatch, "wait", late)

    assert Asking(consuming).answer() is None

    assert next(consuming).args == (1,)
    consuming.close()


def test_no_message_of_many_is_slept_over_wherever_it_falls(heron: HeronBroker) -> None:
    consuming = consumer(heron, prefetch=1)
    received: list[int] = []

    def receive() -> None:
        while len(received) < 500:
            got = next(consuming)
            if got is not None:
                received.append(got.args[0])
                consuming.ack(got)

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    for number in range(500):
        # One at a time: each finds the consumer at another point of its way to sleep.
        heron.enqueue(message(number))
        if number % 3:
            eventually(more_than(received, number))

    thread.join(15)
    assert received == list(range(500))
    consuming.close()


def test_room_for_a_message_wakes_a_consumer_that_is_full(heron: HeronBroker) -> None:
    consuming = consumer(heron, prefetch=1)
    heron.enqueue(message(1))
    heron.enqueue(message(2))
    first = next(consuming)
    asking = Asking(consuming)

    consuming.ack(first)

    assert asking.answer() is None
    assert next(consuming).args == (2,)
    consuming.close()


def test_each_idle_process_hears_of_a_message_and_one_gets_it(
    heron: HeronBroker, valkey_url: str
) -> None:
    other = heron_broker(valkey_url)
    other.namespace = heron.namespace
    other.declare_queue("q")
    consumers = [consumer(heron), consumer(other)]
    asking = [Asking(each) for each in consumers]
    eventually(lambda: int(heron.client.info("clients")["tracking_clients"]) >= 2)
    asleep(heron)

    heron.enqueue(message(1))
    for each in asking:
        each.answer()

    # Two consumers look; the one that finds nothing sleeps again.
    looks = [Asking(each) for each in consumers]
    eventually(lambda: any(look.done for look in looks))
    heron.enqueue(message(2))
    got = [look.answer() for look in looks]
    # Whether the second message is found in this look or the next is a matter of microseconds.
    assert [answer.args for answer in got if answer is not None].count((1,)) == 1
    for each in consumers:
        each.close()


def test_an_idle_worker_asks_valkey_no_more_often_than_dramatiqs(valkey_url: str) -> None:
    def commands_of(broker: Any) -> int:
        broker.declare_queue("q")
        with working(broker, worker_timeout=100):
            eventually(lambda: broker.client.zcard(f"{broker.namespace}:__heartbeats__"))
            threading.Event().wait(0.5)
            before = broker.client.info("stats")["total_commands_processed"]
            threading.Event().wait(3)
            return int(broker.client.info("stats")["total_commands_processed"] - before)

    stock, ours = commands_of(stock_broker(valkey_url)), commands_of(heron_broker(valkey_url))

    # The jitter of both is random; polling faster to be woken faster would be many times more.
    assert ours < stock * 1.5
