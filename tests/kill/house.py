"""A house in which everything may die: tended as systemd does, and everything is counted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis

from heron.demo import ports
from heron.demo.guard import Guard
from heron.demo.process import Process, stop_all
from heron.demo.stack import valkey_command
from heron.demo.surroundings import ROOT, Surroundings, make_scratch, python
from tests.kill.clocks import Clocks
from tests.kill.failpoints import Failpoints
from tests.kill.insight import Insight
from tests.kill.postgres import CrashingPostgres
from tests.support.prepared import MIGRATE, prepare

#: A functional bound, generous for a machine that does much else.
PATIENCE_S = 90.0
LEASE_S = 2.0
#: Items in the table that exact jobs work on.
ITEMS = 400

WORKERS = ("left", "right")
#: The second one stands by; only some scenarios keep it.
SCHEDULERS = ("scheduler", "deputy")
#: A mailing of more is shared out.
FAN_OUT_ABOVE = 20
#: What a person wants to know of a job that does not end.
STATE = (
    "job_id, task_type, status, epoch, attempts, processed_items, total_items, worker, "
    "lease_until, not_before, enqueued_at, updated_at"
)


class TookTooLong(AssertionError):
    """Raised when something that has to happen does not."""


class House(Insight):
    """Valkey, mail sink, scheduler, two workers and an office around one database."""

    def __init__(self, postgres: CrashingPostgres | None = None, var: Path | None = None) -> None:
        self.var = var or Path(tempfile.mkdtemp(prefix="heron-var-"))
        #: What is not of this stack: nothing that dies here takes it back.
        self.outside = Path(tempfile.mkdtemp(prefix="heron-outside-"))
        (self.outside / "world").touch()
        self.failpoints = Failpoints(self.outside / "failpoints")
        self.scratch = make_scratch()
        self.postgres = postgres
        self.database_url = postgres.create_database() if postgres else ""
        self.clocks = Clocks(self.outside, self.database_url)
        self._surroundings = Surroundings(
            var=self.var,
            scratch=self.scratch,
            web_port=ports.any_free(),
            smtp_port=ports.any_free(),
            extra={
                "DJANGO_SETTINGS_MODULE": "tests.kill.app.settings",
                "DEBUG": "0",
                "LOG_LEVEL": "WARNING",
                "KILL_OUTSIDE": str(self.outside),
                "HERON_MAILBOX_DIR": str(self.outside / "mailbox"),
                "HERON_FAN_OUT_ABOVE": str(FAN_OUT_ABOVE),
                **({"DATABASE_URL": self.database_url} if postgres else {}),
            },
        )
        self.env = self._surroundings.environment()
        self.processes: dict[str, Process] = {}
        #: Those that are started again when they die.
        self._kept: set[str] = set()
        self._guard = Guard(self.scratch)
        self._office: subprocess.Popen[str] | None = None
        self.log = (self.outside / "log").open("a")

    # Starting and stopping -----------------------------------------------------------------

    def start(self) -> None:
        """Make the database and start everything."""
        self.keep("valkey", "mail")
        prepare(self.env, MIGRATE)
        self.clocks.install()
        self.keep("scheduler", *WORKERS)
        self.ask("furnish", ITEMS)

    def stop(self) -> None:
        """Stop everything and leave nothing behind."""
        self._kept.clear()
        self.close_office()
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGCONT)
        servers = [self.processes[name] for name in ("valkey", "mail")]
        stop_all([each for each in self.processes.values() if each not in servers], within_s=5)
        stop_all(servers, within_s=2)
        self._guard.dismiss()
        self.log.close()
        shutil.rmtree(self.scratch, ignore_errors=True)
        shutil.rmtree(self.var, ignore_errors=True)
        shutil.rmtree(self.outside, ignore_errors=True)

    def keep(self, *names: str) -> None:
        """Start processes, and start them again whenever they die."""
        self._kept |= set(names)
        self.tend()

    def dismiss(self, *names: str) -> None:
        """Stop processes, which don't come back."""
        self._kept -= set(names)
        stop_all([self.processes[name] for name in names], within_s=5)

    def kill(self, name: str, *, keep: bool = True) -> None:
        """SIGKILL a process and its children; it comes back unless told otherwise."""
        if not keep:
            self._kept.discard(name)
        self.processes[name].kill()

    def tend(self) -> None:
        """Start what should run and does not."""
        for name in self._kept:
            process = self.processes.get(name)
            if process is None or process.status is not None:
                self.processes[name] = Process(
                    name,
                    self._command(name),
                    env={**self.env, "KILL_ROLE": name},
                    cwd=ROOT,
                    on_line=self._write_down,
                )
                self._guard.watch(self.processes[name].pid)

    def _command(self, name: str) -> Sequence[str | Path]:
        if name in WORKERS:
            return python(
                *("-m", "dramatiq", "workers.main", "--processes", "1", "--threads", "4"),
                *("--queues", "kill", "mail"),
            )
        if name in SCHEDULERS:
            return python("-m", "workers.scheduler")
        here = self._surroundings
        return {
            "valkey": valkey_command(here.valkey_socket),
            "mail": python("manage.py", "smtp_sink", "--port", str(here.smtp_port)),
            "web": python(
                *("-m", "uvicorn", "heron.asgi:application", "--lifespan", "off"),
                *("--host", ports.HOST, "--port", str(here.web_port), "--no-access-log"),
            ),
        }[name]

    def _write_down(self, name: str, line: str) -> None:
        with suppress(ValueError):  # closed under us at the end
            self.log.write(f"{name}: {line}\n")
            self.log.flush()

    # What people do ------------------------------------------------------------------------

    def ask(self, *command: Any) -> Any:
        """Let the office do something; see tests/kill/app/office.py."""
        if self._office is None or self._office.poll() is not None:
            self._office = subprocess.Popen(
                python("-m", "tests.kill.app.office"),
                cwd=ROOT,
                env={**self.env, "KILL_ROLE": "office"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
                text=True,
                start_new_session=True,
            )
            self._guard.watch(self._office.pid)
        assert self._office.stdin is not None
        assert self._office.stdout is not None
        self._office.stdin.write(json.dumps(command) + "\n")
        self._office.stdin.flush()
        for line in self._office.stdout:
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
        raise ChildProcessError("the office is dead")

    def close_office(self) -> None:
        """End the office; it opens again when somebody asks."""
        if self._office is not None:
            self._office.kill()
            self._office.wait()
            self._office = None

    @property
    def web_url(self) -> str:
        """The address of the site, when "web" is kept."""
        return self._surroundings.url

    def web_answers(self) -> bool:
        """Tell whether the site is up."""
        return ports.answers(self._surroundings.web_port)

    # Looking -----------------------------------------------------------------------------------

    def until(self, condition: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
        """Tend the house until something is true.

        Raises:
            TookTooLong: when it never is; with the last lines of everybody's log.
        """
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                raise TookTooLong("\n".join(self.last_lines()))
            self.tend()
            time.sleep(0.02)

    def last_lines(self, count: int = 60) -> list[str]:
        """Give the end of the log, who is alive, and the jobs that are not over."""
        self.log.flush()
        alive = [f"{name}: pid {p.pid}, status {p.status}" for name, p in self.processes.items()]
        active = "('pending', 'running', 'pausing', 'paused', 'cancelling')"
        jobs = self.rows(f"SELECT {STATE} FROM core_sseprogress WHERE status IN {active}")
        log = (self.outside / "log").read_text().splitlines()[-count:]
        return [*log, *alive, *map(str, jobs)]

    def valkey(self) -> redis.Redis:
        """Connect to Valkey."""
        return redis.Redis.from_url(self.env["REDIS_URL"])


@contextmanager
def living_house(
    postgres: CrashingPostgres | None = None, var: Path | None = None
) -> Iterator[House]:
    """Keep a house for a while."""
    house = House(postgres, var)
    try:
        house.start()
        yield house
    finally:
        house.stop()
