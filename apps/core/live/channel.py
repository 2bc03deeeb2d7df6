"""A channel that somebody reads in this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from apps.core.live.event import label_of
from apps.core.live.valkey import key_of

if TYPE_CHECKING:
    from apps.core.live.reader import Reader


class Channel:
    """Its readers, and the newest event that they know of."""

    __slots__ = ("_waiting", "blind", "label", "last", "live", "name", "readers", "topic")

    def __init__(self, name: str) -> None:
        self.name = name
        self.topic = key_of(name).encode()
        self.label = label_of(name)
        self.readers: set[Reader] = set()
        #: The id of the newest event; None until Valkey has told.
        self.last: int | None = None
        #: Whether events arrive, and none is missing.
        self.live = False
        #: Whether a stream was opened although none arrived.
        self.blind = False
        self._waiting: list[asyncio.Future[None]] = []

    async def until_live(self, within: float) -> None:
        """Wait until events arrive, or until that takes too long."""
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        if not self._waiting:
            loop.call_later(within, self._wait_no_more, self._waiting)
        self._waiting.append(waiting)
        await waiting

    def goes_live(self) -> None:
        """Note that events arrive, and none is missing."""
        self.live = True
        self._wait_no_more(self._waiting)

    def _wait_no_more(self, waiting: list[asyncio.Future[None]]) -> None:
        if waiting is self._waiting:
            self._waiting = []
        for future in waiting:
            if not future.done():
                future.set_result(None)
