"""Listen to Valkey for ever.

django-eventstream's own listener dies for good when Valkey is away for a few seconds, and nobody
notices: streams stay open and silent. This one comes back, and then says that there was a gap.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from typing import Any, Protocol

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

#: Where django-eventstream publishes every event.
EVENTS_CHANNEL = "events_channel"
FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Sink(Protocol):
    """Who wants to hear."""

    def subscribed(self, *, again: bool) -> None:
        """Events arrive from now on; `again` after a gap."""

    def lost(self) -> None:
        """No events arrive until `subscribed` is called again."""

    def deliver(self, channel: str, kind: str, data: str) -> None:
        """One event has arrived."""


async def listen(sink: Sink) -> None:
    """Feed `sink` until cancelled, whatever happens to Valkey."""
    delay = FIRST_DELAY_SECONDS
    again = False
    while True:
        try:
            async for message in _messages():
                if message["type"] == "subscribe":
                    sink.subscribed(again=again)
                    again = True
                    delay = FIRST_DELAY_SECONDS
                elif message["type"] == "message":
                    _deliver(sink, message["data"])
        except (RedisError, OSError) as error:
            logger.warning("no events from Valkey, trying again: %s", error)
        sink.lost()
        again = True
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, no secret)
        delay = min(delay * 2, LONGEST_DELAY_SECONDS)


async def _messages() -> Any:
    """Subscribe once and yield what comes; raises when the connection ends."""
    # No retry inside the client: a silent resubscription would hide the gap.
    options: dict[str, Any] = {**settings.EVENTSTREAM_REDIS, "retry": Retry(NoBackoff(), 0)}
    async with Redis(**options, health_check_interval=10) as client, client.pubsub() as pubsub:
        await pubsub.subscribe(EVENTS_CHANNEL)
        async for message in pubsub.listen():
            yield message


def _deliver(sink: Sink, raw: bytes) -> None:
    try:
        event = json.loads(raw)
        sink.deliver(event["channel"], event["event_type"], event["data"])
    except (ValueError, KeyError, TypeError) as error:
        # Anybody may publish there; one bad message must not stop the others.
        logger.warning("a message on %s could not be read: %s", EVENTS_CHANNEL, error)
