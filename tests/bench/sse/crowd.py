"""Many readers in one process, held together."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import random
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.bench.sse.reader import Ask, Connection, Reader, Slowness
from tests.bench.sse.tally import Tally, Totals, percentile
from tests.bench.sse.wire import STATE, Answer

#: More than anybody measures; a slip of the finger must not take a machine down.
MOST_STREAMS = 12_000
#: Files that this process needs beside its streams.
SPARE_FILES = 200
#: Linux takes the whole of 127/8 for itself: each address has ports of its own.
SOURCES = [f"127.0.0.{n}" for n in range(2, 252)]
#: `socket` does not name it before Python 3.12: choose the port only when connecting.
IP_BIND_ADDRESS_NO_PORT = 24
PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Returning:
    """How readers come back: as the pages' own script does, `backoffMin` and all."""

    #: The first attempt comes within this time, each further one within half as much again.
    within_s: float = 3.0
    most_s: float = 30.0
    #: Whether each opening reads a snapshot; otherwise only a `stream-reset` does.
    snapshot_always: bool = False

    def delay(self, attempts: int) -> float:
        """Give how long to wait after so many attempts that failed."""
        within: float = min(self.most_s, self.within_s * 1.5 ** min(attempts, 10))
        return within * random.uniform(0.1, 1.0)


class Crowd:
    """Opens streams on one server and keeps them, until closed."""

    def __init__(
        self,
        address: tuple[str, int],
        asks: Sequence[Ask],
        *,
        slowness: Slowness | None = None,
        returning: Returning | None = None,
        at_once: int = 100,
    ) -> None:
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise ValueError(f"{address[0]} is not this machine: load is for loopback only")
        if len(asks) > MOST_STREAMS:
            raise ValueError(f"{len(asks)} streams: at most {MOST_STREAMS}")
        self.host = f"{address[0]}:{address[1]}"
        self.readers = [Reader(ask) for ask in asks]
        self._address = address
        self._slowness = slowness
        self._returning = returning
        #: Snapshots that were read.
        self.snapshots = 0
        self._turn = asyncio.Semaphore(at_once)
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[Reader, asyncio.Future[None]] = {}
        raise_file_limit(len(asks) + SPARE_FILES)

    async def open(self) -> float:
        """Open all streams; give the seconds that it took. Those that were refused stay closed."""
        began = time.monotonic()
        await asyncio.gather(*(self._open(place) for place in range(len(self.readers))))
        # Thousands of readers that stay: looking at them again and again would cost us time.
        gc.collect()
        gc.freeze()
        return time.monotonic() - began

    async def close(self) -> None:
        """Close all streams."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        for reader in self.readers:
            if reader.transport is not None:
                reader.transport.abort()
        await asyncio.sleep(0)
        gc.unfreeze()

    async def until(self, ready: Callable[[], bool], *, within_s: float = PATIENCE_S) -> bool:
        """Wait until something is so; False when it takes too long."""
        deadline = time.monotonic() + within_s
        while not ready():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True

    @property
    def open_count(self) -> int:
        """Count the streams that are open now."""
        return sum(reader.is_open for reader in self.readers)

    @property
    def drops(self) -> int:
        """Count the streams that ended before we closed them."""
        return sum(reader.drops for reader in self.readers)

    def newest_count(self, seqs: Mapping[str, int]) -> int:
        """Count the readers who know their job's newest state, whose number is in `seqs`."""
        return sum(reader.shown >= seqs.get(reader.ask.job_id, 0) for reader in self.readers)

    def forget(self) -> None:
        """Begin to count anew."""
        for reader in self.readers:
            reader.tally = Tally()

    @property
    def refusals(self) -> dict[int, int]:
        """Count the answers of the streams that are not open, by HTTP status; 0 is none."""
        return dict(Counter(reader.status for reader in self.readers if not reader.is_open))

    @property
    def totals(self) -> Totals:
        """Sum up what came."""
        return Totals.of(reader.tally for reader in self.readers)

    def latency_ms(self, share: float) -> float:
        """Give the latency that a share of the deliveries does not exceed."""
        return percentile([s for r in self.readers for s in r.tally.latencies], share) * 1000

    def opened(self, reader: Reader) -> None:
        """Note that a stream is open (the connection calls this)."""
        self._settle(reader)
        if reader.openings > 1 and self._returning and self._returning.snapshot_always:
            self.has_gap(reader)

    def ended(self, reader: Reader, *, was_open: bool) -> None:
        """Note that a stream has ended (the connection calls this)."""
        self._settle(reader)
        if self._closing:
            return
        reader.drops += was_open
        if self._returning is not None and reader.openings:
            self._start(self._come_back(reader))

    def has_gap(self, reader: Reader) -> None:
        """Read the snapshot for a reader who may have missed something."""
        if reader.ask.snapshot_path:
            self._start(self._read_snapshot(reader))

    async def _open(self, place: int) -> None:
        reader = self.readers[place]
        async with self._turn:
            await self._connect(reader, SOURCES[place % len(SOURCES)])

    async def _connect(self, reader: Reader, source: str = "127.0.0.1") -> None:
        loop = asyncio.get_running_loop()
        connection = socket.socket()
        connection.setblocking(False)
        if self._slowness is not None:
            size = self._slowness.receive_buffer
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((source, 0))
        settled = self._waiting[reader] = loop.create_future()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await loop.sock_connect(connection, self._address)
                await loop.create_connection(
                    lambda: Connection(reader, self, self._slowness), sock=connection
                )
                await settled
        except OSError:  # TimeoutError is one
            self._settle(reader)
            if reader.transport is not None:
                reader.transport.abort()  # it will tell that it has ended
            else:
                connection.close()
                self.ended(reader, was_open=False)

    async def _come_back(self, reader: Reader) -> None:
        assert self._returning is not None
        delay = self._returning.delay(reader.attempts)
        reader.attempts += 1
        await asyncio.sleep(delay)
        await self._connect(reader, random.choice(SOURCES))

    async def _read_snapshot(self, reader: Reader) -> None:
        with suppress(OSError):
            source, sink = await asyncio.open_connection(*self._address)
            sink.write(reader.ask.snapshot_request(self.host))
            answer = Answer()
            body = b""
            while data := await source.read(1 << 16):
                body += answer.feed(data)
            sink.close()
            if answer.status == 200 and (found := STATE.search(body + answer.rest)):
                self.snapshots += 1
                reader.snapshot_seq = max(reader.snapshot_seq or 0, int(found[2]))

    def _settle(self, reader: Reader) -> None:
        settled = self._waiting.pop(reader, None)
        if settled is not None and not settled.done():
            settled.set_result(None)

    def _start(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def raise_file_limit(files: int) -> None:
    """Let this process, and those it starts, hold so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= files:
        return
    if hard != resource.RLIM_INFINITY and hard < files:
        raise OSError(f"{files} open files are needed, and at most {hard} allowed: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
