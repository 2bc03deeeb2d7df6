"""The Dramatiq broker, and its one ordered list of middleware.

After-hooks run in reverse, so the order is part of what each does.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from typing import Any

import dramatiq
from django.conf import settings
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import iter_queue
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
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.middleware import DatabaseConnections, ProgressMiddleware, QueueShares
from workers.wake import QueueWatch, WakingConsumer

#: Keys of the broker in Valkey begin with this.
NAMESPACE = "heron"
#: How long a page or a job waits for a broker that does not answer.
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 5.0


def middleware() -> list[Middleware]:
    """Build the list, outermost first."""
    return [
        # First, so that every other hook finds a live connection.
        DatabaseConnections(),
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


def build_broker() -> dramatiq.Broker:
    """Build the broker that REDIS_URL names; one in memory when DRAMATIQ_STUB is set, for tests."""
    if os.environ.get("DRAMATIQ_STUB"):
        return StubBroker(middleware=middleware())
    # An enqueue that can't get through must say so at once: the row waits, not the person.
    client = Redis.from_url(
        getattr(settings, "REDIS_URL", "redis://127.0.0.1:6379/0"),
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
    )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client, middleware=middleware(), namespace=NAMESPACE
    )
