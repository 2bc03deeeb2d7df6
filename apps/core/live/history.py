"""The events that Valkey keeps of each channel: how they are added, and what was missed of them.

An id has two halves. The upper one is the channel's *life*, a random number drawn with its first
event; the lower one counts the events of that life. When Valkey loses its data (a restart without
persistence, FLUSHALL) or forgets an old channel, the next event begins another life, and ids of the
one before can never be taken for ids of this one. Nor is a Valkey trusted that was started from a
copy of its data, which may lack the last seconds: what was written before the start counts for
nothing.

Number 0 means: there has been no event yet. Its life is that of all empty channels, drawn anew from
time to time, so that a Valkey which has lost its data is not taken for one in which nothing has
happened. Id 0, of no life at all, is a place that nobody has been to.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from apps.core.conf import conf
from apps.core.live.event import Event, id_of, text_of
from apps.core.live.scripts import APPEND, EMPTY_LIFE_KEY, READ
from apps.core.live.valkey import key_of

#: Channels that are read in one round trip.
READ_AT_ONCE = 100


class Found(Enum):
    """What a look into the history came to."""

    NOTHING_MISSED = ""
    REPLAY = "rows"
    CANT_REPLAY = "gap"


@dataclass(frozen=True, slots=True)
class Since:
    """What has happened on a channel since an id."""

    found: Found
    #: The newest id now.
    newest: int
    #: What was missed, oldest first.
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event to be stored and published on several channels."""

    channels: Sequence[str]
    kind: str
    data: str
    #: Of events with the same key the newest counts; empty for one that stands for itself.
    key: str = ""


def append_all(client: Redis, events: Sequence[Outgoing]) -> list[list[int]]:
    """Store and publish events, each on all of its channels, in one round trip; give their ids."""
    answers = APPEND.run_all(client, [_appending(event) for event in events])
    return [[id_of(bytes(text)) for text in ids] for ids in answers]


def _appending(event: Outgoing) -> tuple[list[str], Sequence[Any]]:
    kept = (int(conf.EVENTS_KEPT), int(conf.EVENTS_KEPT_SECONDS))
    keys = [key_of(channel) for channel in event.channels]
    return keys, (event.kind, event.data, event.key, *kept, _new_life())


def _new_life() -> int:
    # No secret; and never 0, which is no life.
    return random.getrandbits(30) | 1


def newest_ids(client: Redis, channels: Sequence[str]) -> dict[str, int]:
    """Give the id of each channel's newest event; without any, the place before the first."""
    answers = READ.run(client, *_question((channel, None) for channel in channels))
    return {
        channel: _understand(answer).newest
        for channel, answer in zip(channels, answers, strict=True)
    }


def beginning(client: Redis) -> int:
    """Give the place before the first event, of any channel that has had none so far."""
    return newest_ids(client, [""])[""]  # a channel without a name never has


def since(client: Redis, channel: str, last: int) -> Since:
    """Tell what has happened on one channel since the id `last`."""
    (answer,) = READ.run(client, *_question([(channel, last)]))
    return _understand(answer)


async def since_async(client: AsyncRedis, asked: Sequence[tuple[str, int | None]]) -> list[Since]:
    """Tell what has happened on many channels, each since its id; None asks for the newest id."""
    found: list[Since] = []
    for start in range(0, len(asked), READ_AT_ONCE):
        part = asked[start : start + READ_AT_ONCE]
        found += map(_understand, await READ.run_async(client, *_question(part)))
    return found


def _question(asked: Iterable[tuple[str, int | None]]) -> tuple[list[str], list[str]]:
    # Not as long as events are kept: whoever has seen a channel empty in this life can still be
    # told of its first event, or the life is over.
    lasts = max(1, int(conf.EVENTS_KEPT_SECONDS) // 2)
    keys, arguments = [EMPTY_LIFE_KEY], [str(_new_life()), str(lasts)]
    for channel, last in asked:
        keys.append(key_of(channel))
        arguments += ["", ""] if last is None else text_of(last).split("-")
    return keys, arguments


def _understand(answer: Any) -> Since:
    if isinstance(answer, bytes):
        return Since(Found.NOTHING_MISSED, id_of(answer))
    newest, found, *rows = answer
    events = tuple(Event(id_of(row[0]), row[1], row[2], row[3]) for row in (rows or [[]])[0])
    return Since(Found(bytes(found).decode()), id_of(newest), events)


class Reading:
    """Looks into the history for many readers at once: they ask together after an outage."""

    def __init__(self, client: AsyncRedis) -> None:
        self._client = client
        self._asked: dict[tuple[str, int], asyncio.Future[Since | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def since(self, channel: str, last: int) -> asyncio.Future[Since | None]:
        """Tell what has happened on a channel; None when Valkey can't be reached."""
        if not self._asked:
            task = asyncio.create_task(self._answer())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        question = (channel, last)
        if question not in self._asked:
            self._asked[question] = asyncio.get_running_loop().create_future()
        return self._asked[question]

    async def _answer(self) -> None:
        asked, self._asked = self._asked, {}
        answers: Sequence[Since | None]
        try:
            answers = await since_async(self._client, list(asked))
        except (RedisError, OSError):
            answers = [None] * len(asked)
        for future, answer in zip(asked.values(), answers, strict=True):
            if not future.done():
                future.set_result(answer)
