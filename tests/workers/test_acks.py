"""Messages about jobs are acknowledged several at a time while jobs are short, and none is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.broker import MessageProxy
from dramatiq.errors import ConnectionClosed

from apps.core.handoff import JOB_OPTION
from tests.workers.brokers import WORKER_TIMEOUT
from workers.acks import Acks
from workers.broker import HeronBroker

pytestmark = pytest.mark.integration

PLACES = 4


def consumer(broker: HeronBroker) -> Any:
    return broker.consume("q", prefetch=PLACES, timeout=WORKER_TIMEOUT)


def enqueue(broker: HeronBroker, count: int, **options: Any) -> None:
    for _ in range(count):
        broker.enqueue(
            dramatiq.Message(queue_name="q", actor_name="a", args=(), kwargs={}, options=options)
        )


def unacknowledged(broker: HeronBroker) -> int:
    client, name = broker.client, broker.namespace
    kept = client.hlen(f"{name}:q.msgs") - client.llen(f"{name}:q")
    under_way = sum(client.scard(key) for key in client.keys(f"{name}:__acks__.*"))
    assert kept == under_way
    return int(under_way)


def taken(consuming: Any, count: int) -> list[MessageProxy]:
    found = [next(consuming) for _ in range(count)]
    assert None not in found
    return found


def test_messages_about_jobs_are_acknowledged_with_the_next_fetch(heron: HeronBroker) -> None:
    enqueue(heron, 6, **{JOB_OPTION: "a job's id"})
    consuming = consumer(heron)

    for message in taken(consuming, PLACES):
        consuming.ack(message)
    before = unacknowledged(heron)
    rest = taken(consuming, 2)

    assert (before, unacknowledged(heron)) == (PLACES, len(rest))


def test_a_message_that_no_row_stands_behind_is_acknowledged_at_once(heron: HeronBroker) -> None:
    enqueue(heron, PLACES)
    consuming = consumer(heron)

    for message in taken(consuming, PLACES):
        consuming.ack(message)

    assert unacknowledged(heron) == 0


def test_a_consumer_that_waits_keeps_nothing_back(heron: HeronBroker) -> None:
    enqueue(heron, 2, **{JOB_OPTION: "a job's id"})
    consuming = consumer(heron)
    first, second = taken(consuming, 2)
    consuming.ack(first)

    assert next(consuming) is None
    assert unacknowledged(heron) == 1
    consuming.ack(second)

    assert unacknowledged(heron) == 0


def test_a_consumer_that_closes_acknowledges_what_it_has_kept(heron: HeronBroker) -> None:
    enqueue(heron, 3, **{JOB_OPTION: "a job's id"})
    consuming = consumer(heron)
    for message in taken(consuming, 3):
        consuming.ack(message)

    consuming.close()

    assert unacknowledged(heron) == 0


def test_what_valkey_could_not_be_told_is_told_by_the_next_consumer(
    heron: HeronBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(heron, 2, **{JOB_OPTION: "a job's id"})
    consuming = consumer(heron)
    for message in taken(consuming, 2):
        consuming.ack(message)

    def away(*_: object, **__: object) -> None:
        raise redis.ConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(heron.client, "evalsha", away)
        with pytest.raises(ConnectionClosed):
            next(consuming)
    assert unacknowledged(heron) == 2

    assert next(consumer(heron)) is None
    assert unacknowledged(heron) == 0


def test_what_could_not_be_sent_is_kept() -> None:
    sent: list[list[str]] = []
    answers = [redis.ConnectionError("away"), None]

    def send(ids: Sequence[str]) -> None:
        sent.append(list(ids))
        answer = answers.pop(0)
        if answer:
            raise answer

    acks = Acks(send)
    acks.send()
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name="q", actor_name="a", args=(), kwargs={}, options={"redis_message_id": "1"}
    )
    assert acks.keep(MessageProxy(message))

    with pytest.raises(redis.ConnectionError):
        acks.send()
    acks.send()

    assert sent == [["1"], ["1"]]
