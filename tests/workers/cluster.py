"""Real workers and a real scheduler around one database and one Valkey."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg

from heron.demo.guard import Guard
from heron.demo.process import Process, stop_all
from heron.demo.stack import valkey_command
from heron.demo.surroundings import ROOT, Surroundings, make_scratch, python
from tests.support.prepared import MIGRATE, prepare
from tests.workers.waiting import eventually

BOOTED = "Worker process is ready for action."


class Cluster:
    """Processes that a test starts, signals and kills one by one."""

    def __init__(self, database_url: str = "", **extra: str) -> None:
        self.var = Path(tempfile.mkdtemp(prefix="heron-var-"))
        self.scratch = make_scratch()
        self.diary = self.var / "diary"
        self.diary.touch()
        self._database_url = database_url
        self._surroundings = Surroundings(
            var=self.var,
            scratch=self.scratch,
            web_port=0,
            smtp_port=0,
            extra={
                "DJANGO_SETTINGS_MODULE": "tests.workers.app.settings",
                "DEBUG": "0",
                # Milliseconds, Dramatiq's own default: the demo's is shorter.
                "dramatiq_worker_timeout": "1000",
                **({"DATABASE_URL": database_url} if database_url else {}),
                **extra,
            },
        )
        self.env = self._surroundings.environment()
        self.processes: list[Process] = []
        self._guard = Guard(self.scratch)
        self._output: dict[str, list[str]] = {}

    def start(self) -> None:
        """Start Valkey and make the database."""
        self._spawn("valkey", valkey_command(self._surroundings.valkey_socket))
        prepare(self.env, MIGRATE)
        eventually(self._surroundings.valkey_socket.exists)

    def worker(self, name: str, *, threads: int = 2, arguments: Sequence[str] = ()) -> Process:
        """Start a worker and wait until it is ready."""
        command = python(
            *("-m", "dramatiq", "workers.main", "--processes", "1", "--threads", str(threads)),
            *arguments,
        )
        process = self._spawn(name, command)
        eventually(lambda: any(BOOTED in line for line in self._output[name]))
        return process

    def scheduler(self) -> Process:
        """Start a scheduler."""
        return self._spawn("scheduler", python("-m", "workers.scheduler"))

    def run(self, code: str) -> str:
        """Run Python code with Django set up and the test app's actors at hand."""
        done = subprocess.run(
            python("manage.py", "shell", "--no-imports", "--command", PRELUDE + code),
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def job(self, job_id: str) -> dict[str, Any]:
        """Read a job's row."""
        return self._row("SELECT * FROM core_sseprogress WHERE job_id = ?", job_id)

    def lines(self) -> list[list[str]]:
        """Read what the actors have noted: the words of each line, after its time."""
        return [line.split()[1:] for line in self.diary.read_text().splitlines()]

    def kill(self, process: Process) -> None:
        """Kill a worker, its master and its child, as the kernel does when memory runs out."""
        children = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGKILL)
        for child in children:
            child.kill()
        process.kill()

    def watch(self, pid: int) -> None:
        """Let a process of somebody else's end with this cluster, however that ends."""
        self._guard.watch(pid)

    def output(self, name: str) -> str:
        """Read what a process has written."""
        return "\n".join(self._output.get(name, ()))

    def stop(self) -> None:
        """Stop everything and leave nothing behind."""
        valkey, *others = self.processes
        stop_all(others, within_s=5)
        stop_all([valkey], within_s=2)
        self._guard.dismiss()
        shutil.rmtree(self.var, ignore_errors=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _spawn(self, name: str, command: Sequence[str | Path]) -> Process:
        self._output[name] = []
        process = Process(
            name,
            command,
            env=self.env,
            cwd=ROOT,
            on_line=lambda name, line: self._output[name].append(line),
        )
        self._guard.watch(process.pid)
        self.processes.append(process)
        return process

    def _row(self, sql: str, *parameters: object) -> dict[str, Any]:
        if self._database_url:
            with psycopg.connect(self._database_url, row_factory=psycopg.rows.dict_row) as pg:
                found = pg.execute(sql.replace("?", "%s"), parameters).fetchone()
        else:
            with closing(sqlite3.connect(self.var / "heron.sqlite3", timeout=20)) as lite:
                lite.row_factory = sqlite3.Row
                found = lite.execute(sql, parameters).fetchone()
        assert found is not None
        return dict(found)


PRELUDE = """
from apps.core.models import SSEProgress
from tests.workers.app.actors import *
"""


@contextmanager
def running_cluster(database_url: str = "", **extra: str) -> Iterator[Cluster]:
    """Run a cluster for a while."""
    cluster = Cluster(database_url, **extra)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
