"""The shop as a stranger runs it: a copy of it, with Heron's packages installed beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heron.demo import ports
from heron.demo.process import Process, stop_all

SHOP = Path(__file__).parent / "shop"
ROOT = Path(__file__).parents[2]
#: What `pip install` brings into a project; `tests/guide/test_packaging.py` sees to that.
INSTALLED = ("apps", "workers")
#: Short, so that a dead worker is noticed soon; long enough for a machine that does much else.
LEASE_SECONDS = 4
READY_WITHIN_S = 60.0
USERNAME = PASSWORD = "alice"
MAKE_USER = (
    "from django.contrib.auth.models import User;"
    f"User.objects.create_user({USERNAME!r}, password={PASSWORD!r})"
)


class BareProject:
    """A shop that runs: web, worker and scheduler."""

    def __init__(self, folder: Path, valkey_url: str) -> None:
        self.folder = folder / "shop"
        self._packages = folder / "site-packages"
        self._port = ports.any_free()
        self.url = f"http://localhost:{self._port}"
        self._processes: dict[str, Process] = {}
        self._env = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(self._packages),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "REDIS_URL": valkey_url,
            "PROGRESS_LEASE_SECONDS": str(LEASE_SECONDS),
        }

    def install(self) -> None:
        """Copy the shop, and Heron's packages next to it."""
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(SHOP, self.folder, ignore=ignored)
        for package in INSTALLED:
            shutil.copytree(ROOT / package, self._packages / package, ignore=ignored)

    def manage(self, *arguments: str) -> str:
        """Run a `manage.py` command; return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self) -> None:
        """Start web, worker and scheduler; return when pages are served."""
        self.start_worker()
        self._launch("scheduler", "workers.scheduler")
        self._launch(
            "web",
            *("uvicorn", "shop.asgi:application", "--lifespan", "off", "--no-access-log"),
            *("--host", ports.HOST, "--port", str(self._port)),
            *("--timeout-graceful-shutdown", "1"),
        )
        deadline = time.monotonic() + READY_WITHIN_S
        while not ports.answers(self._port):
            web = self._processes["web"]
            if web.status is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The shop does not answer:\n{web.last_words}")
            time.sleep(0.05)

    def start_worker(self) -> None:
        """Start a worker."""
        self._launch("worker", "dramatiq", "workers.main", "--processes", "1", "--threads", "2")

    def kill_worker(self) -> None:
        """End the worker with SIGKILL, in the middle of what it does."""
        self._processes.pop("worker").kill()

    def stop(self) -> None:
        """Stop everything."""
        stop_all(list(self._processes.values()), within_s=3)

    def last_words(self) -> str:
        """Return the last lines of every process, for a test that failed."""
        return "\n".join(f"{p.name}:\n{p.last_words}" for p in self._processes.values())

    def _launch(self, name: str, *module: str) -> None:
        self._processes[name] = Process(
            name,
            [sys.executable, "-m", *module],
            env=self._env,
            cwd=self.folder,
            on_line=_ignore,
        )


@contextmanager
def running_shop(folder: Path, valkey_url: str) -> Iterator[BareProject]:
    """Run a shop for a while."""
    shop = BareProject(folder, valkey_url)
    try:
        shop.install()
        shop.manage("migrate", "--no-input", "--verbosity", "0")
        shop.manage("shell", "--command", MAKE_USER)
        shop.start()
        yield shop
    finally:
        shop.stop()


def _ignore(_name: str, _line: str) -> None:
    """Keep nothing: the last words are enough."""
