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
        self._waiting: asyncio.Future[None] | None = None

    def until_live(self) -> asyncio.Future[None]:
        """Give what is done once events arrive."""
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        return self._waiting

    def goes_live(self) -> None:
        """Note that events arrive, and none is missing."""
        self.live = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
