"""The contenders' servers: each on a processor of its own, and what it uses of the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import psutil

from heron.demo import ports
from heron.demo.process import Process, stop_all
from heron.demo.surroundings import ROOT, python
from tests.bench.common import OURS
from tests.bench.peers import nchan
from tests.bench.sse.reader import OPENING, Ask

READY_WITHIN_S = 60.0
#: The server has the first processor for itself; client, publisher and Valkey share the second.
SERVER_CPU, CLIENT_CPU = 0, 1
CPUS = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True, kw_only=True)
class Contender:
    """How to run a server of one kind, and how to ask it for a job's events."""

    name: str
    command: Callable[[Path, int], Sequence[str]]
    settings: str = "heron.settings"
    #: An address for a job; `{job}` is its id.
    path: str = "/core/events/?channel=progress-{job}"
    #: What it sends once a stream is open.
    opening: bytes = OPENING

    def ask(self, job_id: str, session: str, ticket: str = "") -> Ask:
        """Write what a reader asks for."""
        path = self.path.format(job=job_id)
        return Ask(
            job_id=job_id,
            path=f"{path}&{urlencode({'ticket': ticket})}" if ticket else path,
            cookie=f"sessionid={session}",
            snapshot_path=f"/core/sse-progress/{job_id}/",
            opening=self.opening,
        )


def _uvicorn(application: str) -> Callable[[Path, int], Sequence[str]]:
    def command(_folder: Path, port: int) -> Sequence[str]:
        return python(
            *("-m", "uvicorn", application, "--host", ports.HOST, "--port", str(port)),
            *("--no-access-log", "--log-level", "warning", "--backlog", "8192"),
            *("--timeout-graceful-shutdown", "2"),
        )

    return command


HERON = Contender(name=OURS, command=_uvicorn("heron.asgi:application"))
STOCK = Contender(
    name="stock",
    command=_uvicorn("tests.bench.peers.stock.asgi:application"),
    settings="tests.bench.peers.stock.settings",
)
BARE = Contender(
    name="bare",
    command=_uvicorn("tests.bench.peers.bare:application"),
    path="/?channel={job}",
)
NCHAN = Contender(
    name="nchan",
    command=nchan.command,
    path="/sub?channel={job}",
    opening=b": hi",
)


class Server:
    """One contender's running server."""

    def __init__(self, contender: Contender, folder: Path, env: Mapping[str, str]) -> None:
        self.contender = contender
        self.port = ports.any_free()
        self._folder = folder
        self._env = {**env, "DJANGO_SETTINGS_MODULE": contender.settings}
        self._process: Process | None = None
        self._pid = 0

    @property
    def address(self) -> tuple[str, int]:
        """Return where it listens."""
        return ports.HOST, self.port

    @property
    def process(self) -> psutil.Process:
        """Return the process that serves."""
        return psutil.Process(self._pid)

    @property
    def cpu_s(self) -> float:
        """Return the processor time it has used, of all its threads, also those that ended."""
        # nginx serves in a child, which is born after the port answers.
        pids = [self._pid, *(child.pid for child in self.process.children())]
        # What clock_getcpuclockid(3) returns for a process's CPUCLOCK_SCHED.
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)

    @property
    def resident_kb(self) -> float:
        """Return its resident memory."""
        return self.process.memory_info().rss / 1024

    def start(self, *, wait: bool = True) -> None:
        """Start it on its port; return once it answers, unless told not to wait."""
        with on_cpu(SERVER_CPU):
            self._process = Process(
                self.contender.name,
                self.contender.command(self._folder, self.port),
                env=self._env,
                cwd=ROOT,
                on_line=lambda *_: None,
            )
        self._pid = self._process.pid
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while not ports.answers(self.port):
            if self._process.status is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.contender.name}:\n{self._process.last_words}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it, as the kernel does when memory runs out."""
        if self._process is not None:
            self._process.kill()

    def stop(self, *, within_s: float = 0.5) -> bool:
        """Stop it; False when it had to be killed, because it took too long."""
        return self._process is None or not stop_all([self._process], within_s=within_s)


@contextmanager
def on_cpu(cpu: int) -> Iterator[None]:
    """Let this thread, and what it starts meanwhile, run on one processor, if there are two."""
    before = os.sched_getaffinity(0)
    if len(CPUS) > 1:
        os.sched_setaffinity(0, {CPUS[cpu]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
