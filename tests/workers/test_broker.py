"""Our broker does what Dramatiq's own does: each scenario runs on both."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import dramatiq
import pytest
import redis

from tests.workers.brokers import declare, heron_broker, stock_broker, working
from tests.workers.waiting import eventually

pytestmark = pytest.mark.integration

Make = Callable[..., Any]


@pytest.fixture(params=[stock_broker, heron_broker], ids=["dramatiq", "heron"])
def make(request: pytest.FixtureRequest, valkey_url: str) -> Make:
    """Build the broker under test."""
    return lambda **options: request.param(valkey_url, **options)


class Diary:
    """What the actors have done."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.gate = threading.Event()

    def actor(self, broker: Any, name: str, **options: Any) -> dramatiq.Actor[..., Any]:
        """Declare an actor that writes its argument down."""
        return declare(broker, name, self.lines.append, **options)

    def blocker(self, broker: Any, name: str, **options: Any) -> dramatiq.Actor[..., Any]:
        """Declare an actor that writes its argument down and waits for the gate."""

        def wait(line: Any) -> None:
            self.lines.append(line)
            self.gate.wait(30)

        return declare(broker, name, wait, **options)


@pytest.fixture
def diary() -> Diary:
    return Diary()


def stored(broker: Any, queue: str) -> dict[str, int]:
    """What Valkey holds for a queue: waiting, unacknowledged, dead, and all messages' bodies."""
    client: redis.Redis = broker.client
    prefix = f"{broker.namespace}:{queue}"
    acks = client.scard(f"{broker.namespace}:__acks__.{broker.broker_id}.{queue}")
    return {
        "waiting": int(client.llen(prefix)),
        "unacknowledged": int(acks),
        "dead": int(client.zcard(f"{prefix}.XQ")),
        "bodies": int(client.hlen(f"{prefix}.msgs")),
    }


NOTHING = {"waiting": 0, "unacknowledged": 0, "dead": 0, "bodies": 0}


def test_messages_run_in_the_order_they_came_and_leave_nothing_behind(
    make: Make, diary: Diary
) -> None:
    broker = make()
    note = diary.actor(broker, "note")
    for number in range(50):
        note.send(number)

    with working(broker, worker_threads=1):
        eventually(lambda: len(diary.lines) == 50)
        eventually(lambda: stored(broker, "q") == NOTHING)

    assert diary.lines == list(range(50))


def test_the_more_urgent_of_the_fetched_messages_runs_first(make: Make, diary: Diary) -> None:
    broker = make()
    block = diary.blocker(broker, "block")
    late = diary.actor(broker, "late", priority=100)
    soon = diary.actor(broker, "soon", priority=0)

    with working(broker, worker_threads=1, prefetch=3) as worker:
        block.send("block")
        eventually(lambda: diary.lines == ["block"])
        late.send("late")
        soon.send("soon")
        eventually(lambda: worker.work_queue.qsize() == 2)
        diary.gate.set()
        eventually(lambda: len(diary.lines) == 3)

    assert diary.lines == ["block", "soon", "late"]


def test_a_queue_holds_as_many_messages_as_are_prefetched_running_ones_included(
    make: Make, diary: Diary
) -> None:
    broker = make()
    block = diary.blocker(broker, "block")
    for number in range(10):
        block.send(number)

    with working(broker, worker_threads=2):  # prefetch: twice the threads
        eventually(lambda: len(diary.lines) == 2)
        eventually(lambda: stored(broker, "q")["unacknowledged"] == 4)
        time.sleep(0.3)
        held = stored(broker, "q")
        diary.gate.set()
        eventually(lambda: stored(broker, "q") == NOTHING)

    assert held == {"waiting": 6, "unacknowledged": 4, "dead": 0, "bodies": 10}
    assert sorted(diary.lines) == list(range(10))


def test_a_delayed_message_waits_for_its_time(make: Make, diary: Diary) -> None:
    broker = make()
    note = diary.actor(broker, "note")

    with working(broker):
        due = time.time() + 1
        note.send_with_options(args=("later",), delay=1000)
        note.send("now")
        eventually(lambda: diary.lines == ["now", "later"])
        ran_at = time.time()
        eventually(lambda: stored(broker, "q") == NOTHING)
        eventually(lambda: stored(broker, "q.DQ") == NOTHING)

    assert ran_at >= due


def test_a_message_that_fails_is_tried_again_and_then_dead(make: Make) -> None:
    broker = make()
    tries: list[int] = []

    @dramatiq.actor(broker=broker, queue_name="q", max_retries=2, min_backoff=10, max_backoff=20)
    def fail() -> None:
        tries.append(1)
        raise ValueError("always")

    with working(broker):
        fail.send()
        eventually(lambda: stored(broker, "q")["dead"] == 1)

    assert len(tries) == 3
    assert stored(broker, "q") == {**NOTHING, "dead": 1}


def test_a_message_for_nobody_is_dead_at_once(make: Make) -> None:
    broker = make()
    broker.declare_queue("q")

    with working(broker):
        broker.enqueue(
            dramatiq.Message(queue_name="q", actor_name="gone", args=(), kwargs={}, options={})
        )
        eventually(lambda: stored(broker, "q") == {**NOTHING, "dead": 1})


def test_dead_letters_are_purged_by_maintenance(make: Make, diary: Diary) -> None:
    broker = make(maintenance_chance=1_000_000, dead_message_ttl=1)
    broker.declare_queue("q")

    with working(broker):
        broker.enqueue(
            dramatiq.Message(queue_name="q", actor_name="gone", args=(), kwargs={}, options={})
        )
        eventually(lambda: stored(broker, "q") == NOTHING)


def test_messages_of_a_dead_worker_are_given_back_by_maintenance(make: Make, diary: Diary) -> None:
    broker = make(maintenance_chance=1_000_000, heartbeat_timeout=200)
    note = diary.actor(broker, "note")
    note.send("hello")
    alive, broker.broker_id = broker.broker_id, "dead"
    broker.do_fetch("q", 1)
    broker.broker_id = alive
    assert stored(broker, "q")["waiting"] == 0

    with working(broker):
        eventually(lambda: diary.lines == ["hello"])


def test_what_a_stopping_worker_has_not_begun_goes_back(make: Make, diary: Diary) -> None:
    broker = make()
    block = diary.blocker(broker, "block")
    for number in range(4):
        block.send(number)

    with working(broker, worker_threads=1):
        eventually(lambda: stored(broker, "q")["unacknowledged"] == 2)
        eventually(lambda: diary.lines == [0])
        threading.Timer(0.3, diary.gate.set).start()

    assert diary.lines == [0]
    assert stored(broker, "q") == {"waiting": 3, "unacknowledged": 0, "dead": 0, "bodies": 3}


def test_a_flushed_queue_holds_nothing(make: Make, diary: Diary) -> None:
    broker = make()
    note = diary.actor(broker, "note")
    note.send(1)
    note.send_with_options(args=(2,), delay=60_000)

    broker.flush_all()

    assert stored(broker, "q") == NOTHING
    assert stored(broker, "q.DQ") == NOTHING


def test_two_workers_share_a_queue_and_nothing_runs_twice(make: Make, diary: Diary) -> None:
    broker = make()
    other = make()
    other.namespace = broker.namespace
    note = diary.actor(broker, "note")
    diary.actor(other, "note")

    with working(broker, worker_threads=2), working(other, worker_threads=2):
        for number in range(200):
            note.send(number)
        eventually(lambda: len(diary.lines) >= 200)
        eventually(lambda: stored(broker, "q") == NOTHING)

    assert Counter(diary.lines) == Counter(range(200))


def test_a_paused_worker_fetches_nothing_until_it_is_resumed(make: Make, diary: Diary) -> None:
    broker = make()
    note = diary.actor(broker, "note")

    with working(broker) as worker:
        worker.pause()
        note.send("hello")
        time.sleep(0.3)
        held = stored(broker, "q")
        worker.resume()
        eventually(lambda: diary.lines == ["hello"])

    assert held["waiting"] == 1
