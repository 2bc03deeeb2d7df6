"""django-eventstream's storage hook: what anybody sends by `send_event()` reaches our readers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django_eventstream.event import Event
from django_eventstream.storage import EventDoesNotExist, StorageBase

from apps.core.live import history
from apps.core.live.breaker import breaker
from apps.core.live.event import clean
from apps.core.live.history import Outgoing
from apps.core.live.valkey import client


def append(channels: Sequence[str], kind: str, data: str, *, key: str = "") -> list[int]:
    """Store and publish an event on channels; of events with the same key the newest counts.

    Raises:
        RedisError, OSError: as `append_all` does.
    """
    return append_all([Outgoing(channels, clean(kind), data, clean(key))])[0]


def append_all(events: Sequence[Outgoing]) -> list[list[int]]:
    """Store and publish events in one round trip; give their ids.

    Raises:
        RedisError, OSError: when Valkey can't be reached; at once if that is known already. Some
            of the events may have been sent.
    """
    with breaker.trying():
        return history.append_all(client(), events)


class ValkeyStorage(StorageBase):  # type: ignore[misc]  # untyped library
    """EVENTSTREAM_STORAGE_CLASS: a bounded stream per channel, which is published as it grows."""

    def append_event(self, channel: str, event_type: str, data: Any) -> Event:
        """Store and publish; `data` is text, as `send_event()` has encoded it."""
        text = data if isinstance(data, str) else json.dumps(data)
        (event_id,) = append([channel], event_type, text, key=_job_of(text))
        return Event(channel, event_type, data, id=event_id)

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """Give what came after an event; raises EventDoesNotExist when that can't be told."""
        with breaker.trying():
            since = history.since(client(), channel, last_id)
        if since.found is history.Found.CANT_REPLAY:
            raise EventDoesNotExist(f"no event {last_id} on {channel}", since.newest)
        return [
            Event(channel, event.kind.decode(), event.data.decode(), id=event.id)
            for event in since.events[:limit]
        ]

    def get_current_id(self, channel: str) -> int:
        """Give the id of the newest event."""
        with breaker.trying():
            return history.newest_ids(client(), [channel])[channel]


def _job_of(text: str) -> str:
    """Find whose state an event carries; empty for an event that is not about a job."""
    try:
        payload = json.loads(text)
    except ValueError:
        return ""
    job_id = payload.get("job_id") if isinstance(payload, dict) else None
    return str(job_id) if job_id else ""
