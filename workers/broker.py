"""The Dramatiq broker, and its one ordered list of middleware.

After-hooks run in reverse, so the order is part of what each does.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from functools import partial
from typing import Any

import dramatiq
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import BrokerConnectionError
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    CurrentMessage,
    Middleware,
    Pipelines,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)
from dramatiq.worker import Worker
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from workers.acks import Acks
from workers.backlog import Backlog
from workers.middleware import (
    DatabaseConnections,
    ProgressMiddleware,
    QueueShares,
    queues_of,
)
from workers.wake import QueueWatch, WakingConsumer

#: Keys of the broker in Valkey begin with this.
NAMESPACE = "heron"
#: How long a page or a job waits for a broker that does not answer.
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 5.0

#: Dramatiq's script as a function, called for each of several messages. ARGV: the arguments of a
#: call about one message, which is the last of them, and the other messages.
ACK_ALL = """
local function dispatch(KEYS, ARGV)
%s
end
local one = {}
for i = 1, 8 do one[i] = ARGV[i] end
for i = 9, #ARGV do
  one[9] = ARGV[i]
  dispatch(KEYS, one)
  one[7] = '0'  -- maintenance once is enough
end
"""


def middleware() -> list[Middleware]:
    """Build the list, outermost first."""
    return [
        # First, so that every other hook finds a live connection.
        DatabaseConnections(),
        QueueShares(),
        # A job is never too old to be done: the user sees it wait, and may cancel it.
        AgeLimit(max_age=None),
        # No limit by exception: it can strike in the middle of a commit. Dramatiq's default of ten
        # minutes would cut long jobs. An actor may still set one of its own (milliseconds).
        TimeLimit(time_limit=float("inf")),
        ShutdownNotifications(),
        Callbacks(),
        Pipelines(),
        # Before Retries in the list, so that it hears last, when it is known whether a message
        # has failed for good.
        ProgressMiddleware(),
        # Not one retry by default: twenty more attempts at a whole job, Dramatiq's default, would
        # send the same mails again. Attempts at a job are counted and resumed in its row.
        Retries(max_retries=0),
        CurrentMessage(),
    ]


class HeronBroker(RedisBroker):
    """Dramatiq's Redis broker, whose idle consumers are woken and whose stopping ones rest."""

    def __init__(self, *, client: Redis, middleware: list[Middleware], namespace: str) -> None:
        self.resting = threading.Event()
        self.rest = Rest(self.resting)
        self._acks: dict[str, Acks] = {}
        super().__init__(  # type: ignore[no-untyped-call]
            client=client, middleware=[self.rest, *middleware], namespace=namespace
        )
        text = self.scripts["dispatch"].script
        self._ack_all = client.register_script(
            ACK_ALL % (text.decode() if isinstance(text, bytes) else text)
        )

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Create a consumer; that of a queue of delayed messages, which only time wakes, sleeps."""
        if queue_name in self.delay_queues:
            return super().consume(queue_name, prefetch, timeout)
        return WakingConsumer(
            super().consume(queue_name, prefetch, timeout=0),
            QueueWatch(self.client, self._list(queue_name)),
            prefetch=prefetch,
            backlog=self._backlog_of(queue_name, prefetch),
            acks=self._acks.setdefault(queue_name, Acks(partial(self.ack_all, queue_name))),
            timeout=timeout,
            resting=self.resting,
        )

    def _backlog_of(self, queue_name: str, prefetch: int) -> Backlog | None:
        """Give the worker's backlog if no other queue's messages could have to wait for it."""
        worker = self.rest.worker
        if worker is None or prefetch != worker.worker_threads:
            return None
        return Backlog(worker) if queues_of(self, worker) == {queue_name} else None

    def ack_all(self, queue_name: str, message_ids: Sequence[str]) -> None:
        """Acknowledge messages, named by their ids in Valkey, in one round trip.

        What Valkey does is what Dramatiq's own script would do with them one by one.
        """
        calls: list[dict[str, Any]] = []
        dry = copy(self)
        dry.scripts = {**self.scripts, "dispatch": lambda **call: calls.append(call)}
        dry.do_ack(queue_name, message_ids[0])
        (call,) = calls
        self._ack_all(keys=call["keys"], args=[*call["args"], *message_ids[1:]])

    def waiting(self, queue_name: str) -> int:
        """Count the messages that no worker has fetched yet."""
        return int(self.client.llen(self._list(queue_name)))

    def _list(self, queue_name: str) -> str:
        return f"{self.namespace}:{queue_name}"


class Rest(Middleware):
    """Lets a worker that stops fetch nothing more, and give back at once what it hasn't begun.

    Dramatiq goes on fetching until the last running job has ended. It would fetch what is handed
    back by that very job; and what it fetched before would wait for that job.
    """

    def __init__(self, resting: threading.Event) -> None:
        self._resting = resting
        #: Who consumes in this process; None where nobody does.
        self.worker: Worker | None = None

    def before_worker_boot(self, broker: dramatiq.Broker, worker: Worker) -> None:
        """Fetch."""
        self.worker = worker
        self._resting.clear()

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: Worker) -> None:
        """Know of no worker any more."""
        self.worker = None

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: Worker) -> None:
        """Fetch no more, and give back."""
        self._resting.set()
        unbegun: dict[str, list[MessageProxy]] = defaultdict(list)
        with Backlog(worker).taken() as messages:
            for message in messages:
                unbegun[message.queue_name].append(message)
        for queue_name, messages in unbegun.items():
            try:
                worker.consumers[queue_name].requeue_messages(messages)
            except (BrokerConnectionError, RedisError) as error:
                # Dramatiq takes them back when it finds this worker dead.
                broker.logger.warning(
                    "messages of %s could not be given back: %s", queue_name, error
                )


def build_broker() -> dramatiq.Broker:
    """Build the broker that BROKER_URL names, or else REDIS_URL; one in memory for tests.

    Raises:
        ImproperlyConfigured: BROKER_URL is none that we know, or its library is missing.
    """
    if os.environ.get("DRAMATIQ_STUB"):
        return StubBroker(middleware=middleware())
    redis_url = getattr(settings, "REDIS_URL", "redis://127.0.0.1:6379/0")
    url = getattr(settings, "BROKER_URL", "") or redis_url
    scheme = url.partition("://")[0]
    if scheme in {"amqp", "amqps"}:
        return _rabbitmq(url)
    if scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured(
            f"BROKER_URL begins with {scheme}://; use redis://, rediss://, unix://, amqp://, amqps://"
        )
    # An enqueue that can't get through must say so at once: the row waits, not the person.
    client = Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
    )
    return HeronBroker(client=client, middleware=middleware(), namespace=NAMESPACE)


def _rabbitmq(url: str) -> dramatiq.Broker:
    try:
        from workers.rabbitmq import HeronRabbitmqBroker
    except ImportError as missing:
        raise ImproperlyConfigured(
            "BROKER_URL names RabbitMQ; its client is missing: pip install dramatiq[rabbitmq]"
        ) from missing
    return HeronRabbitmqBroker(url=url, middleware=middleware())
