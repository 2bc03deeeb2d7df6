"""A worker that stops fetches nothing more, gives back the rest, and leaves nothing behind."""

from __future__ import annotations

import threading
from uuid import uuid4

import dramatiq
import pytest
import redis

from tests.workers.brokers import declare, heron_broker, working
from tests.workers.waiting import eventually
from workers.broker import HeronBroker

pytestmark = pytest.mark.integration


def test_a_stopping_worker_fetches_nothing_more(heron: HeronBroker) -> None:
    gate = threading.Event()
    done: list[int] = []

    @dramatiq.actor(broker=heron, queue_name="q")
    def work(number: int) -> None:
        done.append(number)
        gate.wait(30)

    with working(heron, worker_threads=2) as worker:
        work.send(1)
        eventually(lambda: done == [1])
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        eventually(heron.resting.is_set)
        work.send(2)
        gate.set()
        stopping.join(15)

    assert done == [1]
    assert heron.waiting("q") == 1


def test_a_stopping_worker_gives_back_at_once_what_it_has_not_begun(heron: HeronBroker) -> None:
    gate = threading.Event()
    done: list[int] = []

    @dramatiq.actor(broker=heron, queue_name="q")
    def work(number: int) -> None:
        done.append(number)
        gate.wait(30)

    for number in range(3):
        work.send(number)
    with working(heron, worker_threads=1, prefetch=3) as worker:
        eventually(lambda: worker.work_queue.qsize() == 2)
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        eventually(lambda: heron.waiting("q") == 2)
        still_running = stopping.is_alive()
        gate.set()
        stopping.join(15)

    assert still_running
    assert done == [0]


def test_no_thread_and_no_connection_outlives_a_worker(valkey_url: str) -> None:
    # Named, because other tests' connections come and go on the same server.
    name = f"rest-{uuid4()}"
    heron = heron_broker(f"{valkey_url}&client_name={name}")
    observer = redis.Redis.from_url(valkey_url)
    done: list[int] = []
    note = declare(heron, "note", done.append)

    def connections() -> int:
        return sum(client["name"] == name for client in observer.client_list())

    before = set(threading.enumerate())
    seen = 0
    for number in range(3):
        with working(heron):
            note.send(number)
            eventually(lambda number=number: number in done)  # type: ignore[misc]
            seen = connections()
    # The pool is the process's own; whatever is open besides it is a worker's.
    heron.client.connection_pool.disconnect()

    assert seen
    assert set(threading.enumerate()) - before == set()
    eventually(lambda: connections() == 0)  # the server may notice a moment later
    observer.close()
