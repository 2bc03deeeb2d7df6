"""One reader of one stream: what it asks for, and its connection."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tests.bench.sse.tally import Tally
from tests.bench.sse.wire import LAST_ID, STATE, Answer

if TYPE_CHECKING:
    from tests.bench.sse.crowd import Crowd

#: How django-eventstream says that events arrive from now on.
OPENING = b"event: stream-open"
RESET = b"event: stream-reset"
#: Every event of this protocol itself begins so.
OWN = b"event: stream-"


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What one reader asks for, and who it says it is."""

    path: str
    #: The job that it is about, for those who check.
    job_id: str = ""
    cookie: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    #: What the server sends once events arrive; nchan and others have their own.
    opening: bytes = OPENING
    #: Where the state can be read without a stream; empty when nowhere.
    snapshot_path: str = ""

    def request(self, host: str, *, last_id: bytes = b"") -> bytes:
        """Write the request for the stream."""
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {host}", "Accept: text/event-stream"]
        if last_id:
            lines.append(f"Last-Event-ID: {last_id.decode()}")
        return self._with_credentials(lines)

    def snapshot_request(self, host: str) -> bytes:
        """Write the request for the snapshot, on a connection of its own."""
        lines = [f"GET {self.snapshot_path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        return self._with_credentials([*lines, "Accept: application/json"])

    def _with_credentials(self, lines: list[str]) -> bytes:
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.cookie:
            lines.append(f"Cookie: {self.cookie}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True, kw_only=True)
class Slowness:
    """How little a slow reader reads."""

    pause_s: float = 0.1
    #: SO_RCVBUF, in bytes: about how much it reads at once.
    receive_buffer: int = 4096


class Reader:
    """Somebody who wants to watch, over as many connections as that takes."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.tally = Tally()
        #: Of the newest answer; 0 while there is none.
        self.status = 0
        self.is_open = False
        self.openings = 0
        #: Connections that ended though we had not ended them.
        self.drops = 0
        self.resets = 0
        self.attempts = 0
        self.last_id = b""
        self.received_bytes = 0
        #: The number that the newest snapshot had.
        self.snapshot_seq: int | None = None
        self.transport: asyncio.Transport | None = None

    @property
    def shown(self) -> int:
        """Return the number of the newest state it knows, by event or snapshot; 0 for none."""
        return max(self.tally.last(self.ask.job_id) or 0, self.snapshot_seq or 0)


class Connection(asyncio.Protocol):
    """One connection of a reader; the crowd hears when it opens and ends."""

    def __init__(self, reader: Reader, crowd: Crowd, slowness: Slowness | None) -> None:
        self._reader = reader
        self._crowd = crowd
        self._slowness = slowness
        self._answer = Answer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        reader = self._reader
        reader.transport = cast(asyncio.Transport, transport)
        reader.transport.write(reader.ask.request(self._crowd.host, last_id=reader.last_id))

    def data_received(self, data: bytes) -> None:
        """Read, and when slow, not again for a while."""
        reader = self._reader
        reader.received_bytes += len(data)
        frames = self._answer.feed(data)
        if frames:
            reader.tally.saw(STATE.findall(frames), time.monotonic_ns())
            if b"id:" in frames and (ids := LAST_ID.findall(frames)):
                reader.last_id = ids[-1]
            if OWN in frames or not reader.is_open:
                self._read_own(frames)
        if self._answer.status not in (0, 200) or self._answer.ended:
            self._close()
        elif self._slowness is not None and reader.transport is not None:
            reader.transport.pause_reading()
            asyncio.get_running_loop().call_later(self._slowness.pause_s, self._read_on)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the crowd."""
        reader = self._reader
        reader.status = self._answer.status
        was_open, reader.is_open, reader.transport = reader.is_open, False, None
        self._crowd.ended(reader, was_open=was_open)

    def _read_own(self, frames: bytes) -> None:
        reader = self._reader
        if RESET in frames:
            reader.resets += 1
            self._crowd.has_gap(reader)
        if not reader.is_open and reader.ask.opening in frames:
            reader.status = self._answer.status
            reader.is_open = True
            reader.openings += 1
            reader.attempts = 0
            self._crowd.opened(reader)

    def _read_on(self) -> None:
        transport = self._reader.transport
        if transport is not None and not transport.is_closing():
            transport.resume_reading()

    def _close(self) -> None:
        if self._reader.transport is not None:
            self._reader.transport.close()
