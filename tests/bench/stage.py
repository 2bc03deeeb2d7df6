"""Where the contenders of bench_jobs run: workers of each kind around one Valkey."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from heron.demo.process import Process, stop_all
from heron.demo.surroundings import ROOT, python
from tests.workers.cluster import Cluster

#: A worker that has not done it by then never will.
PATIENCE = 60.0
THREADS = 8
DRAMATIQ = ("--processes", "1", "--threads", str(THREADS))
ADMIN_SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.bench.peers.admin.settings"}


@dataclass(frozen=True, kw_only=True)
class Contender:
    """How to run a worker of one kind, and how to send `mark` and `nothing` to it."""

    worker: Sequence[str]
    #: Python: it defines `mark(text)` and `nothing()`, which send.
    sender: str
    env: dict[str, str] = field(default_factory=dict)
    #: Its Valkey database, as its own URL says it.
    broker: str = ""


HERON_WORKER = ("-m", "dramatiq", "workers.main", *DRAMATIQ)
HERON_PLAIN = Contender(
    worker=(*HERON_WORKER, "--queues", "plain"),
    sender="""
import django; django.setup()
from tests.workers.app.actors import plain, quiet
mark = plain.send
nothing = quiet.send
""",
)
HERON_PROGRESS = Contender(
    worker=(*HERON_WORKER, "--queues", "short"),
    sender="""
import django; django.setup()
from tests.workers.app.actors import mark as marker, nothing as job
mark = marker.send
def nothing(): job.start_for(None)
""",
)
DRAMATIQ_PLAIN = Contender(
    worker=("-m", "dramatiq", "tests.bench.peers.plain", *DRAMATIQ),
    sender="""
from tests.bench.peers import plain
mark, nothing = plain.mark.send, plain.nothing.send
""",
    broker="unix://{socket}?db=1",
)
CELERY = Contender(
    worker=("-m", "celery", "-A", "tests.bench.peers.celery_app", "worker", "-c", "2"),
    sender="from tests.bench.peers.celery_app import mark; mark = mark.delay",
    broker="redis+socket://{socket}?virtual_host=2",
)
DJANGO_DRAMATIQ = Contender(
    worker=("-m", "dramatiq", "django_dramatiq.setup", "tests.bench.peers.admin.tasks", *DRAMATIQ),
    sender="""
import django; django.setup()
from tests.bench.peers.admin.tasks import mark, nothing
mark, nothing = mark.send, nothing.send
""",
    env=ADMIN_SETTINGS,
    broker="unix://{socket}?db=3",
)


class Stage:
    """Runs contenders, one after the other or side by side."""

    def __init__(self, cluster: Cluster, admin_database_url: str) -> None:
        self._cluster = cluster
        self._admin_database_url = admin_database_url
        self._number = 0

    @contextmanager
    def worker(self, contender: Contender) -> Iterator[Process]:
        """Run a contender's worker for a while."""
        process = Process(
            "worker",
            python(*contender.worker),
            env=self._env(contender),
            cwd=ROOT,
            on_line=lambda *_: None,
        )
        self._cluster.watch(process.pid)
        try:
            yield process
        finally:
            stop_all([process], within_s=15)

    @contextmanager
    def sender(self, contender: Contender) -> Iterator[Sender]:
        """Keep a process ready that sends to a contender."""
        with subprocess.Popen(
            python("-u", "-c", f"{contender.sender}\n{SENDER_LOOP}"),
            env=self._env(contender),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield Sender(process, self._cluster.diary)
            assert process.stdin is not None
            process.stdin.close()

    def migrate_admin(self) -> None:
        """Make django-dramatiq's tables."""
        subprocess.run(
            python("-m", "django", "migrate", "--verbosity", "0"),
            env=self._env(DJANGO_DRAMATIQ),
            cwd=ROOT,
            check=True,
        )

    def drained_per_second(self, contender: Contender, jobs: int) -> float:
        """Queue no-op jobs, then run a worker; give jobs per second from the first to the last."""
        self._number += 1
        first, last = f"first-{self._number}", f"last-{self._number}"
        with self.sender(contender) as sender:
            sender.send("mark", first)
            sender.send("nothing", str(jobs))
            sender.send("mark", last)
        with self.worker(contender):
            took = sender.wait_for(last) - sender.wait_for(first)
        return jobs / took

    def _env(self, contender: Contender) -> dict[str, str]:
        cluster = self._cluster
        env = {**cluster.env, "BENCH_DIARY": str(cluster.diary), **contender.env}
        if contender.broker:
            env["BENCH_BROKER"] = contender.broker.format(socket=cluster.scratch / "valkey.sock")
        if contender is DJANGO_DRAMATIQ:
            # A database of its own: Heron's tables are not in its way, nor its in Heron's.
            env["HERON_VAR_DIR"] = str(cluster.var / "admin")
            (cluster.var / "admin").mkdir(exist_ok=True)
            if self._admin_database_url:
                env["DATABASE_URL"] = self._admin_database_url
        return env


SENDER_LOOP = """
import sys, time
print("ready")
for line in sys.stdin:
    what, argument = line.split()
    if what == "nothing":
        for _ in range(int(argument)):
            nothing()
        print("sent")
    else:
        sent = time.time()
        mark(argument)
        print(sent)
"""


class Sender:
    """A process that sends messages when told to, and says when it began."""

    def __init__(self, process: subprocess.Popen[str], diary: Path) -> None:
        self._process = process
        self._diary = diary
        self._read()

    def send(self, what: str, argument: str) -> str:
        """Send and give the answer: the time before a mark was sent."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what} {argument}\n")
        self._process.stdin.flush()
        return self._read()

    def wait_for(self, text: str) -> float:
        """Wait until the diary has a line; give its time."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for line in self._diary.read_text().splitlines():
                moment, *words = line.split()
                if words == [text]:
                    return float(moment)
            time.sleep(0.05)
        raise TimeoutError(text)

    def _read(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        if not answer:
            raise RuntimeError("the sender has ended")
        return answer
