"""End all streams as soon as the process is told to stop.

No server that we know tells an application so before it waits for the open connections, and a
stream is one that never ends by itself. So SIGTERM is heard here first, and handed on.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from apps.core.live.hub import Hub

_hubs: WeakKeyDictionary[Hub, asyncio.AbstractEventLoop] = WeakKeyDictionary()
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def watch(hub: Hub) -> None:
    """End this hub's streams when the process is told to stop.

    Called with each new stream, and not at start: whoever serves has its handlers in place then.
    """
    if hub in _hubs:
        return
    _hubs[hub] = asyncio.get_running_loop()
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            _chain(number)


def _chain(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    if not callable(before) or isinstance(before, _Chained):
        # Nobody serves here who wants to end in good order; the signal does what it does.
        return
    if number is signal.SIGINT and before is signal.default_int_handler:
        return
    signal.signal(number, _Chained(before))


class _Chained:
    """Ends the streams, then does what was to be done."""

    def __init__(self, before: Callable[[int, FrameType | None], Any]) -> None:
        self._before = before

    def __call__(self, number: int, frame: FrameType | None) -> None:
        for hub, loop in list(_hubs.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(hub.stop)
        self._before(number, frame)
