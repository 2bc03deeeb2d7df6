"""A whole Heron as users get it: real processes, a real database, real mail."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heron.demo import ports
from heron.demo.console import LogFiles
from heron.demo.stack import WEB, WORKER, Stack
from heron.demo.surroundings import ROOT, Surroundings, make_scratch, python
from tests.support.prepared import MIGRATE, SEED, prepare


class LiveHeron:
    """What a test may know of, and do to, a running Heron."""

    username = "demo"
    password = "demo"

    def __init__(self, stack: Stack) -> None:
        """Wrap the processes."""
        self.stack = stack
        self.base_url = stack.surroundings.url
        self.mailbox = stack.surroundings.mailbox
        self.var = stack.surroundings.var
        self.env = stack.surroundings.environment()

    @property
    def worker_pid(self) -> int:
        """Return the process id of Dramatiq's master."""
        return self.stack.processes[WORKER].pid

    def manage(self, *arguments: str) -> str:
        """Run a `manage.py` command against this Heron's database; return what it printed."""
        done = subprocess.run(
            python("manage.py", *arguments),
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        """Run Python code with Django set up; return what it printed."""
        return self.manage("shell", "--no-imports", "--command", code)

    def restart_web(self) -> None:
        """Stop the web process and start it again on the same port."""
        self.stack.restart(WEB)

    def restart_worker(self) -> None:
        """Stop the worker and start it again."""
        self.stack.restart(WORKER)

    def log(self, name: str) -> str:
        """Return what a process (web, worker, scheduler, mail, valkey) has written."""
        path = self.var / "log" / f"{name}.log"
        return path.read_text() if path.exists() else ""


@contextmanager
def running_heron(database_url: str = "", *, seeded: bool = True) -> Iterator[LiveHeron]:
    """Run a Heron for a while, on a database of its own, with the demo's data or empty."""
    var = Path(tempfile.mkdtemp(prefix="heron-var-"))
    surroundings = Surroundings(
        var=var,
        scratch=make_scratch(),
        web_port=ports.any_free(),
        smtp_port=ports.any_free(),
        extra={"DATABASE_URL": database_url} if database_url else {},
    )
    stack = Stack(surroundings, on_line=LogFiles(var / "log").line)
    try:
        prepare(surroundings.environment(), MIGRATE, *([SEED] if seeded else []))
        stack.start(prepare=())
        yield LiveHeron(stack)
    finally:
        stack.stop()
        shutil.rmtree(var, ignore_errors=True)
