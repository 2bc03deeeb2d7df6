"""One event, and its bytes on the wire: django-eventstream's, to the byte."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

#: The lower half of an id counts the events of a channel's life; the upper half names the life.
COUNT_BITS = 32
_COUNT_MASK = (1 << COUNT_BITS) - 1
_LINE_END = re.compile(rb"\r\n|\r|\n")
_UNSAFE = re.compile(r"[\r\n\0]")
#: No more digits than an id can have: a longer number is none of ours.
_ID = re.compile(r"[0-9]{1,19}")

Message = dict[str, Any]


def id_of(text: bytes) -> int:
    """Read an id as Valkey writes it: `life-number`."""
    life, _, number = text.partition(b"-")
    return int(life) << COUNT_BITS | int(number)


def text_of(event_id: int) -> str:
    """Write an id as Valkey does."""
    return f"{event_id >> COUNT_BITS}-{event_id & _COUNT_MASK}"


def follows(event_id: int, last: int) -> bool:
    """Tell whether there is no event between two ids; a life's first comes after any emptiness."""
    return event_id == last + 1 or (last & _COUNT_MASK == 0 and event_id & _COUNT_MASK == 1)


def is_before(event_id: int, last: int) -> bool:
    """Tell whether an event is one that has been seen, of the same life."""
    return event_id <= last and event_id >> COUNT_BITS == last >> COUNT_BITS


def clean(text: str) -> str:
    """Take out what would end a field of an event."""
    return _UNSAFE.sub("", text)


def label_of(channel: str) -> bytes:
    """Write a channel's name as it stands in a resume id."""
    return quote(channel).encode()


def resume_id(ids: Mapping[str, int]) -> str:
    """Write the place that a reader has come to: `channel:id,channel2:id`."""
    return ",".join(f"{quote(channel)}:{event_id}" for channel, event_id in ids.items())


def parse_resume_id(text: str) -> dict[str, int | None]:
    """Read a `Last-Event-ID`; what can't be understood is None: a place that is not known."""
    ids: dict[str, int | None] = {}
    for part in text[:4096].split(","):
        channel, separator, number = part.rpartition(":")
        if separator:
            known = _ID.fullmatch(number)
            ids[unquote(channel)] = int(number) if known else None
    return ids


def encode(kind: bytes, event_id: bytes, data: bytes) -> bytes:
    """Encode one frame; no id when `event_id` is empty."""
    head = b"event: %b\nid: %b\n" % (kind, event_id) if event_id else b"event: %b\n" % kind
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(_LINE_END.split(data))
    return b"%bdata: %b\n\n" % (head, data)


class Event:
    """What one channel has to tell, encoded once for all readers of that channel alone."""

    __slots__ = ("_message", "data", "id", "key", "kind")

    def __init__(self, event_id: int, kind: bytes, key: bytes, data: bytes) -> None:
        self.id = event_id
        self.kind = kind
        #: Whose state it is (a job's id): of events with the same key, only the newest counts.
        self.key = key
        self.data = data
        self._message: Message | None = None

    @classmethod
    def parse(cls, raw: bytes) -> Event:
        """Read an event as it is published. Raises ValueError for anything else."""
        event_id, kind, key, data = raw.split(b"\n", 3)
        return cls(id_of(event_id), kind, key, data)

    def frame(self, ids: bytes) -> bytes:
        """Encode it for a reader that has come to `ids`."""
        return encode(self.kind, ids, self.data)

    def message(self, label: bytes) -> Message:
        """Give the ASGI message for readers of the channel with this label and of no other."""
        message = self._message
        if message is None:
            body = encode(self.kind, b"%b:%d" % (label, self.id), self.data)
            message = {"type": "http.response.body", "body": body, "more_body": True}
            self._message = message
        return message
