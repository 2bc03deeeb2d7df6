"""Fetch several messages at once while jobs are short.

Dramatiq's consumer fetches as soon as one message is acknowledged, so with short jobs nearly each
fetch brings one message, and costs as much as the job. Ours fetches twice as many as may run, as
long as they are soon done; what it holds back is soon run, or given back.

It hands out no more than may run. Only where nobody else's messages could wait for them, in a
worker for one queue, it hands out as many as are done in a moment: a thread then need not wait
until it is given the next one, which takes as long as a short job.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

from dramatiq.broker import MessageProxy

#: When as many jobs are done in this time as may run at once, they are short.
QUICK_SECONDS = 0.05
#: Times as many as may run are handed out at the most.
DEEP = 8
#: What has been held back for this long goes back to the queue: another worker may be idle.
HOLD_SECONDS = 0.05


class FetchAhead:
    """Dramatiq's own consumer of a queue, and what is held back of what it has fetched.

    Everything but `done` is called by the consumer's thread alone.

    Args:
        inner: Dramatiq's consumer.
        places: How many messages may run at once.
        deep: Whether more may be handed out than that, and wait in the process.
    """

    def __init__(self, inner: Any, places: int, *, deep: bool = False) -> None:
        self._inner = inner
        self._places = places
        self._most = DEEP * places if deep else places
        self._limit = places
        self._out: set[str] = set()
        self._fetched_at = 0.0
        self._fetched = 0

    @property
    def has_room(self) -> bool:
        """Whether another message may be handed out."""
        return len(self._out) < self._limit

    @property
    def holds_back(self) -> bool:
        """Whether messages are here that have not been handed out."""
        return bool(self._inner.message_cache)

    @property
    def is_crowded(self) -> bool:
        """Whether more messages are handed out than can run at once."""
        return len(self._out) > self._places

    def next(self) -> MessageProxy | None:
        """Hand out a message, after a fetch if none is held; None when the queue is empty."""
        fetches = not self.holds_back
        if fetches:
            self._prepare_fetch()
        message: MessageProxy | None = next(self._inner)
        if message is not None:
            self._out.add(message.message_id)
        if fetches:
            self._fetched = len(self._inner.message_cache) + (message is not None)
        return message

    def _prepare_fetch(self) -> None:
        """Choose how many to fetch, and to hand out, by how soon the last ones were done."""
        now = monotonic()
        took, self._fetched_at = now - self._fetched_at, now
        soon_done = int(self._fetched * QUICK_SECONDS / took) if took else self._most
        self._limit = max(self._places, min(soon_done, self._most))
        self._inner.prefetch = 2 * self._limit if soon_done >= self._places else self._places

    def done(self, message: MessageProxy) -> None:
        """Make room: a message that was handed out is done."""
        self._out.discard(message.message_id)

    def give_back(self, unbegun: Sequence[MessageProxy] = ()) -> None:
        """Put what is held back into the queue again, and what was handed out but not begun."""
        self._limit = self._places
        held = [next(self._inner) for _ in range(len(self._inner.message_cache))]
        self._inner.requeue([*unbegun, *held])
        for message in (*unbegun, *held):
            self._out.discard(message.message_id)
            self._inner.queued_message_ids.discard(message.message_id)
