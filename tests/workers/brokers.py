"""Dramatiq's own broker and ours, side by side on a real Valkey."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware, default_middleware

from heron.demo.process import Process, stop_all
from heron.demo.stack import valkey_command
from heron.demo.surroundings import ROOT, make_scratch
from tests.workers.waiting import PATIENCE, eventually
from workers.broker import HeronBroker

#: So short that Dramatiq's own waits don't hold the tests up.
WORKER_TIMEOUT = 50
#: Milliseconds: longer than any test's patience.
FOR_EVER = 3_600_000


def stock_broker(url: str, **options: Any) -> dramatiq.Broker:
    """Build Dramatiq's broker with its default middleware."""
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=redis.Redis.from_url(url), namespace=f"stock-{uuid4()}", **options
    )


def heron_broker(url: str, **options: Any) -> HeronBroker:
    """Build our broker with Dramatiq's default middleware."""
    middleware: list[Middleware] = [make() for make in default_middleware]
    broker = HeronBroker(
        client=redis.Redis.from_url(url), middleware=middleware, namespace=f"heron-{uuid4()}"
    )
    for name, value in options.items():
        setattr(broker, name, value)
    return broker


def declare(
    broker: dramatiq.Broker, name: str, run: Callable[..., Any], **options: Any
) -> dramatiq.Actor[..., Any]:
    """Declare an actor of the queue `q`."""
    actor: dramatiq.Actor[..., Any] = dramatiq.actor(
        broker=broker, actor_name=name, queue_name="q", **options
    )(run)
    return actor


def message(number: int = 0) -> dramatiq.Message[None]:
    return dramatiq.Message(queue_name="q", actor_name="a", args=(number,), kwargs={}, options={})


def asleep(broker: HeronBroker) -> None:
    """Wait until a consumer has asked for a push."""
    eventually(lambda: int(broker.client.info("clients")["tracking_clients"]) >= 1)
    eventually(lambda: int(broker.client.info("stats")["tracking_total_keys"]) >= 1)


def consumer(broker: HeronBroker, prefetch: int = 2) -> Any:
    return broker.consume("q", prefetch=prefetch, timeout=FOR_EVER)


@contextmanager
def working(
    broker: dramatiq.Broker, *, prefetch: int | None = None, **options: Any
) -> Iterator[dramatiq.Worker]:
    """Run a worker for a while."""
    worker = dramatiq.Worker(broker, **{"worker_timeout": WORKER_TIMEOUT, **options})
    if prefetch is not None:
        worker.queue_prefetch = prefetch
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


class Asking:
    """Asks a consumer for one round in a thread; waits that are not ended would last for ever."""

    def __init__(self, consumer: Any) -> None:
        self.answers: list[Any] = []
        self._thread = threading.Thread(target=self._ask, args=(consumer,), daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the consumer has answered."""
        return not self._thread.is_alive()

    def answer(self) -> Any:
        """Wait for the answer."""
        self._thread.join(PATIENCE)
        assert self.done, "the consumer still sleeps"
        return self.answers[0]

    def _ask(self, consumer: Any) -> None:
        self.answers.append(next(consumer))


class FragileValkey:
    """A Valkey that can be stopped and started again at the same address; it keeps nothing."""

    def __init__(self) -> None:
        self.folder = make_scratch()
        self.url = f"unix://{self.folder / 'valkey.sock'}?db=0"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = valkey_command(self.folder / "valkey.sock")
        self.process = Process("valkey", command, env={}, cwd=ROOT, on_line=lambda *_: None)
        eventually(self._answers)

    def stop(self) -> None:
        """Kill it."""
        self.process.kill()

    def close(self) -> None:
        """Leave nothing behind."""
        stop_all([self.process], within_s=3)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
