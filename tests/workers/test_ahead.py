"""Short messages are fetched several at a time, and none waits for a long one in the process."""

from __future__ import annotations

from typing import Any

import pytest
from dramatiq.broker import MessageProxy

from tests.workers.brokers import FOR_EVER, consumer, message
from tests.workers.waiting import eventually
from workers import ahead
from workers.broker import HeronBroker

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
