"""A consumer that is woken outlives a Valkey that is away, flushed, or can't wake it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
from dramatiq.broker import MessageProxy
from dramatiq.errors import ConnectionClosed

from tests.workers.brokers import (
    Asking,
    FragileValkey,
    asleep,
    consumer,
    declare,
    heron_broker,
    message,
    working,
)
from tests.workers.waiting import eventually, more_than
from workers.acks import Acks
from workers.broker import HeronBroker
from workers.wake import QueueWatch, WakingConsumer

pytestmark = pytest.mark.integration


@pytest.fixture
def fragile() -> Iterator[FragileValkey]:
    valkey = FragileValkey()
    yield valkey
    valkey.close()


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
    heron: HeronBroker, caplog: pytest.LogCaptureFixture
) -> None:
    user = f"deaf-{heron.namespace}"
    heron.client.acl_setuser(
        user, enabled=True, passwords=["+p"], keys=["*"], categories=["+@all"],
        commands=["-client|tracking"],
    )  # fmt: skip
    path = heron.client.connection_pool.connection_kwargs["path"]
    heron.client = redis.Redis(unix_socket_path=path, username=user, password="p")
    heron.scripts = {
        name: heron.client.register_script(script.script) for name, script in heron.scripts.items()
    }
    done: list[int] = []
    note = declare(heron, "note", done.append)

    with working(heron):
        for number in range(3):
            note.send(number)
            eventually(more_than(done, number))

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
        acks=Acks(lambda ids: None),
        timeout=1,
        resting=threading.Event(),
    )

    with pytest.raises(ConnectionClosed):
        consuming.ack(MessageProxy(message()))
    with pytest.raises(ConnectionClosed):
        consuming.nack(MessageProxy(message()))
