"""Fetch several messages at once while jobs are short.

Dramatiq's consumer fetches as soon as one message is acknowledged, so with short jobs nearly each
fetch brings one message, and costs as much as the job. Ours fetches twice as many as may run, as
long as fetches follow one another quickly; it hands out no more than may run, and what it holds
back is soon run, or given back.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from dramatiq.broker import MessageProxy

#: Two fetches within this time: jobs are short.
QUICK_SECONDS = 0.05
#: What has been held back for this long goes back to the queue: another worker may be idle.
HOLD_SECONDS = 0.05


class FetchAhead:
    """Dramatiq's own consumer of a queue, and what is held back of what it has fetched.

    Everything but `done` is called by the consumer's thread alone.

    Args:
        inner: Dramatiq's consumer.
        places: How many messages may be handed out and not be done.
    """

    def __init__(self, inner: Any, places: int) -> None:
        self._inner = inner
        self._places = places
        self._out: set[str] = set()
        self._fetched_at = 0.0

    @property
    def has_room(self) -> bool:
        """Whether another message may be handed out."""
        return len(self._out) < self._places

    @property
    def holds_back(self) -> bool:
        """Whether messages are here that have not been handed out."""
        return bool(self._inner.message_cache)

    def next(self) -> MessageProxy | None:
        """Hand out a message, after a fetch if none is held; None when the queue is empty."""
        if not self.holds_back:
            now = monotonic()
            quick = now - self._fetched_at < QUICK_SECONDS
            self._fetched_at = now
            self._inner.prefetch = self._places * (2 if quick else 1)
        message: MessageProxy | None = next(self._inner)
        if message is not None:
            self._out.add(message.message_id)
        return message

    def done(self, message: MessageProxy) -> None:
        """Make room: a message that was handed out is done."""
        self._out.discard(message.message_id)

    def give_back(self) -> None:
        """Put what is held back into the queue again."""
        held = [next(self._inner) for _ in range(len(self._inner.message_cache))]
        self._inner.requeue(held)
        for message in held:
            self._inner.queued_message_ids.discard(message.message_id)
