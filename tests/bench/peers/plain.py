"""Dramatiq with its own Redis broker and its own defaults."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.bench.peers.diary import note

broker = RedisBroker(url=os.environ["BENCH_BROKER"])  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="plain")
def mark(text: str) -> None:
    """Say that this was reached."""
    note(text)


@dramatiq.actor(queue_name="plain")
def nothing() -> None:
    """Do nothing."""
