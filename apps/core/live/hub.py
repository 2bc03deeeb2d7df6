"""The open streams of one web process, and what each of them has not yet been sent.

A reader keeps the newest state of each job, not a queue: a slow one skips states in between and
never the last one, and its memory is bounded by the jobs it watches.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Hashable
from typing import Any
from weakref import WeakKeyDictionary

from django_eventstream.utils import sse_encode_event

from apps.core.live.subscriber import listen

RESET_KEY = "\0reset"


class Reader:
    """One open stream."""

    def __init__(self, channels: set[str]) -> None:
        self.channels = channels
        self._frames: dict[Hashable, bytes] = {}
        self._wake = asyncio.Event()

    def put(self, key: Hashable, frame: bytes) -> None:
        """Hand over a frame; an unsent one with the same key is replaced."""
        self._frames.pop(key, None)
        self._frames[key] = frame
        self._wake.set()

    async def take(self, timeout: float) -> bytes | None:
        """Wait for frames and give them all at once; None when none came within `timeout`."""
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return None
        self._wake.clear()
        frames, self._frames = self._frames, {}
        return b"".join(frames.values())


class Hub:
    """Hands each event to the readers of its channel. One per event loop."""

    def __init__(self) -> None:
        self._readers: dict[str, set[Reader]] = {}
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def join(self, reader: Reader) -> None:
        """Start to feed a reader; the first one starts the subscription."""
        for channel in reader.channels:
            self._readers.setdefault(channel, set()).add(reader)
        if self._task is None:
            self._task = asyncio.create_task(listen(self), name="heron-subscriber")

    def leave(self, reader: Reader) -> None:
        """Stop feeding a reader; the last one ends the subscription."""
        for channel in reader.channels:
            readers = self._readers.get(channel, set())
            readers.discard(reader)
            if not readers:
                self._readers.pop(channel, None)
        if not self._readers and self._task is not None:
            self._task.cancel()
            self._task = None
            self._listening.clear()

    async def ready(self, timeout: float) -> bool:
        """Wait until events arrive here; False when that takes longer than `timeout`."""
        try:
            async with asyncio.timeout(timeout):
                await self._listening.wait()
        except TimeoutError:
            return False
        return True

    def subscribed(self, *, again: bool) -> None:
        """Note that events arrive; `again` after a gap, which every reader must hear of."""
        self._listening.set()
        if again:
            for channel, readers in self._readers.items():
                frame = _encode("stream-reset", json.dumps({"channels": [channel]}))
                for reader in readers:
                    reader.put((RESET_KEY, channel), frame)

    def lost(self) -> None:
        """Note that no events arrive."""
        self._listening.clear()

    def deliver(self, channel: str, kind: str, data: str) -> None:
        """Hand one event to the channel's readers, encoded once for all of them."""
        readers = self._readers.get(channel)
        if not readers:
            return
        frame = _encode(kind, data)
        key = _job_id(data) or object()
        for reader in readers:
            reader.put(key, frame)


def _encode(kind: str, data: str) -> bytes:
    frame: str = sse_encode_event(kind, data)
    return frame.encode()


def _job_id(data: str) -> Hashable | None:
    """Find whose state an event carries; None for an event that is not ours."""
    payload: Any = json.loads(data)
    job_id = payload.get("job_id") if isinstance(payload, dict) else None
    return str(job_id) if job_id else None


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """Give the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub


class OpenStreams:
    """Counts this process's open streams per user. Views ask from threads, streams from a loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[object] = Counter()

    def opened(self, user_id: object) -> None:
        """Count one stream more."""
        with self._lock:
            self._counts[user_id] += 1

    def closed(self, user_id: object) -> None:
        """Count one stream less."""
        with self._lock:
            self._counts[user_id] -= 1
            if self._counts[user_id] <= 0:
                del self._counts[user_id]

    def of(self, user_id: object) -> int:
        """Tell how many streams a user holds open here."""
        with self._lock:
            return self._counts[user_id]


open_streams = OpenStreams()
