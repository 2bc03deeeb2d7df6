"""An idle consumer wakes when a message comes: here nothing else would end its waits in time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.errors import ConnectionClosed

from tests.workers.brokers import (
    Asking,
    FragileValkey,
    declare,
    heron_broker,
    stock_broker,
    working,
)
from tests.workers.waiting import eventually
from workers.broker import HeronBroker
from workers.wake import QueueWatch, WakingConsumer

pytestmark = pytest.mark.integration

#: Milliseconds: longer than any test's patience.
FOR_EVER = 3_600_000


@pytest.fixture
def broker(valkey_url: str) -> HeronBroker:
    made = heron_broker(valkey_url)
    made.declare_queue("q")
    return made


@pytest.fixture
def fragile() -> Iterator[FragileValkey]:
    valkey = FragileValkey()
    yield valkey
    valkey.close()


def message(number: int = 0) -> dramatiq.Message[None]:
    return dramatiq.Message(queue_name="q", actor_name="a", args=(number,), kwargs={}, options={})


def asleep(broker: HeronBroker) -> None:
    """Wait until a consumer has asked for a push."""
    eventually(lambda: int(broker.client.info("clients")["tracking_clients"]) >= 1)
    eventually(lambda: int(broker.client.info("stats")["tracking_total_keys"]) >= 1)


def _more_than(lines: list[int], number: int) -> Callable[[], bool]:
    return lambda: len(lines) > number


def consumer(broker: HeronBroker, prefetch: int = 2) -> Any:
    return broker.consume("q", prefetch=prefetch, timeout=FOR_EVER)


def test_a_message_wakes_a_consumer_that_sleeps(broker: HeronBroker) -> None:
    consuming = consumer(broker)
    asking = Asking(consuming)
    asleep(broker)

    broker.enqueue(message(1))

    assert asking.answer() is None
    assert next(consuming).args == (1,)
    consuming.close()


def test_a_message_of_dramatiqs_own_broker_wakes_it_too(
    broker: HeronBroker, valkey_url: str
) -> None:
    stock = stock_broker(valkey_url)
    stock.namespace = broker.namespace  # type: ignore[attr-defined]
    consuming = consumer(broker)
    asking = Asking(consuming)
    asleep(broker)

    stock.enqueue(message(1))

    assert asking.answer() is None
    assert next(consuming).args == (1,)
    consuming.close()


def test_a_message_between_the_fetch_and_the_first_wait_is_not_slept_over(
    broker: HeronBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    consuming = consumer(broker)
    wait = QueueWatch.wait

    def late(watch: QueueWatch, seconds: float) -> None:
        monkeypatch.undo()
        broker.enqueue(message(1))
        wait(watch, seconds)

    monkeypatch.setattr(QueueWatch, "wait", late)

    assert Asking(consuming).answer() is None

    assert next(consuming).args == (1,)
    consuming.close()


def test_no_message_of_many_is_slept_over_wherever_it_falls(broker: HeronBroker) -> None:
    consuming = consumer(broker, prefetch=1)
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
        broker.enqueue(message(number))
        if number % 3:
            eventually(_more_than(received, number))

    thread.join(15)
    assert received == list(range(500))
    consuming.close()


def test_room_for_a_message_wakes_a_consumer_that_is_full(broker: HeronBroker) -> None:
    consuming = consumer(broker, prefetch=1)
    broker.enqueue(message(1))
    broker.enqueue(message(2))
    first = next(consuming)
    asking = Asking(consuming)

    consuming.ack(first)

    assert asking.answer() is None
    assert next(consuming).args == (2,)
    consuming.close()


def test_each_idle_process_hears_of_a_message_and_one_gets_it(
    broker: HeronBroker, valkey_url: str
) -> None:
    other = heron_broker(valkey_url)
    other.namespace = broker.namespace
    other.declare_queue("q")
    consumers = [consumer(broker), consumer(other)]
    asking = [Asking(each) for each in consumers]
    eventually(lambda: int(broker.client.info("clients")["tracking_clients"]) >= 2)
    asleep(broker)

    broker.enqueue(message(1))
    for each in asking:
        each.answer()

    # Two consumers look; the one that finds nothing sleeps again.
    looks = [Asking(each) for each in consumers]
    eventually(lambda: any(look.done for look in looks))
    broker.enqueue(message(2))
    got = [look.answer() for look in looks]
    assert [answer.args for answer in got if answer is not None] == [(1,)]
    for each in consumers:
        each.close()


def test_a_flushed_valkey_does_not_leave_it_deaf(fragile: FragileValkey) -> None:
    broker = heron_broker(fragile.url)
    broker.declare_queue("q")
    consuming = consumer(broker)
    asking = Asking(consuming)
    asleep(broker)
    broker.client.flushall()
    asking.answer()

    asking = Asking(consuming)
    asleep(broker)
    broker.enqueue(message(1))

    asking.answer()
    assert next(consuming).args == (1,)
    consuming.close()


def test_a_lost_connection_is_made_again(fragile: FragileValkey) -> None:
    broker = heron_broker(fragile.url)
    broker.declare_queue("q")
    watch = QueueWatch(broker.client, f"{broker.namespace}:q")
    watching = threading.Thread(target=_expect_loss, args=(watch,))
    watching.start()
    asleep(broker)
    broker.client.client_kill_filter(_type="normal", skipme=True)
    watching.join(15)
    assert not watching.is_alive()

    again = threading.Thread(target=watch.wait, args=(3600,), daemon=True)
    again.start()
    asleep(broker)
    broker.enqueue(message(1))
    again.join(15)

    assert not again.is_alive()
    watch.close()


def _expect_loss(watch: QueueWatch) -> None:
    with suppress(redis.ConnectionError):
        watch.wait(3600)


def test_work_goes_on_after_valkey_has_been_away(fragile: FragileValkey) -> None:
    broker = heron_broker(fragile.url)
    done: list[int] = []
    note = declare(broker, "note", done.append)

    with working(broker):
        note.send(1)
        eventually(lambda: done == [1])
        fragile.stop()
        fragile.start()
        note.send(2)
        eventually(lambda: done == [1, 2])


def test_a_server_that_cannot_push_is_polled_as_by_dramatiq(
    broker: HeronBroker, caplog: pytest.LogCaptureFixture
) -> None:
    user = f"deaf-{broker.namespace}"
    broker.client.acl_setuser(
        user, enabled=True, passwords=["+p"], keys=["*"], categories=["+@all"],
        commands=["-client|tracking"],
    )  # fmt: skip
    path = broker.client.connection_pool.connection_kwargs["path"]
    broker.client = redis.Redis(unix_socket_path=path, username=user, password="p")
    broker.scripts = {
        name: broker.client.register_script(script.script)
        for name, script in broker.scripts.items()
    }
    done: list[int] = []
    note = declare(broker, "note", done.append)

    with working(broker):
        for number in range(3):
            note.send(number)
            eventually(_more_than(done, number))

    told = [line for line in caplog.messages if "does not wake us" in line]
    assert len(told) == 1


def test_a_server_that_hangs_is_a_lost_connection_to_dramatiq() -> None:
    class Hanging:
        def ack(self, message: object) -> None:
            raise redis.TimeoutError("no answer")

        nack = ack

    consuming = WakingConsumer(
        Hanging(),
        QueueWatch(redis.Redis(), "q"),
        prefetch=1,
        timeout=1,
        resting=threading.Event(),
    )

    with pytest.raises(ConnectionClosed):
        consuming.ack(None)  # type: ignore[arg-type]
    with pytest.raises(ConnectionClosed):
        consuming.nack(None)  # type: ignore[arg-type]


def test_a_stopping_worker_fetches_nothing_more(broker: HeronBroker) -> None:
    gate = threading.Event()
    done: list[int] = []

    @dramatiq.actor(broker=broker, queue_name="q")
    def work(number: int) -> None:
        done.append(number)
        gate.wait(30)

    with working(broker, worker_threads=2) as worker:
        work.send(1)
        eventually(lambda: done == [1])
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        eventually(broker.resting.is_set)
        work.send(2)
        gate.set()
        stopping.join(15)

    assert done == [1]
    assert broker.waiting("q") == 1


def test_a_stopping_worker_gives_back_at_once_what_it_has_not_begun(broker: HeronBroker) -> None:
    gate = threading.Event()
    done: list[int] = []

    @dramatiq.actor(broker=broker, queue_name="q")
    def work(number: int) -> None:
        done.append(number)
        gate.wait(30)

    for number in range(3):
        work.send(number)
    with working(broker, worker_threads=1, prefetch=3) as worker:
        eventually(lambda: worker.work_queue.qsize() == 2)
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        eventually(lambda: broker.waiting("q") == 2)
        still_running = stopping.is_alive()
        gate.set()
        stopping.join(15)

    assert still_running
    assert done == [0]


def test_no_thread_and_no_connection_outlives_a_worker(broker: HeronBroker) -> None:
    def counts() -> tuple[int, int]:
        return threading.active_count(), len(broker.client.client_list())

    done: list[int] = []
    note = declare(broker, "note", done.append)
    with working(broker):
        note.send(0)
        eventually(lambda: done)
    broker.client.connection_pool.disconnect()
    before = counts()

    for _ in range(3):
        with working(broker):
            note.send(0)
            eventually(lambda: broker.waiting("q") == 0)
    broker.client.connection_pool.disconnect()

    assert counts() == before


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
