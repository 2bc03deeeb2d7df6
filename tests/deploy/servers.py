"""Servers for the tests of deploy/: processes that end, clients on Unix sockets."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

REPO = Path(__file__).resolve().parents[2]
DEPLOY = REPO / "deploy"
#: Generous: a loaded machine may need long for what usually takes a second.
PATIENCE_SECONDS = 90


def environment(var: Path, **more: str) -> dict[str, str]:
    """Return a server's environment: SQLite in `var`, nothing of whoever runs the tests."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(var),
        "LANG": "C.UTF-8",
        "SECRET_KEY": "k" * 25 + "0123456789abcdefghijklmnopqrstuvwxyz",
        "HERON_VAR_DIR": str(var),
        "REDIS_URL": f"unix://{var / 'no-valkey.sock'}",
        **more,
    }


def manage(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a manage.py command and return what it said."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPO,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass(kw_only=True)
class Gunicorn:
    """A gunicorn under test, listening on `socket_path`."""

    process: subprocess.Popen[bytes]
    socket_path: Path
    log_path: Path

    def client(self) -> httpx.Client:
        """Return a client of this server alone."""
        transport = httpx.HTTPTransport(uds=str(self.socket_path))
        return httpx.Client(
            transport=transport, base_url="http://localhost", timeout=PATIENCE_SECONDS
        )

    def log(self) -> str:
        """Return everything that master and workers wrote."""
        return self.log_path.read_text()

    def wait_until_it_answers(self, path: str) -> None:
        """Return once a request to `path` is answered; fail with the log if the server ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            try:
                with self.client() as client, client.stream("GET", path):
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        pytest.fail(f"gunicorn doesn't answer:\n{self.log()}")

    def stop(self) -> int:
        """Stop as systemd does and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """End master and workers at once, if they are still there."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass(kw_only=True)
class Launcher:
    """Starts gunicorn in `folder`."""

    folder: Path
    started: list[Gunicorn] = field(default_factory=list)

    def __call__(
        self, *arguments: str, env: dict[str, str], listener: socket.socket | None = None
    ) -> Gunicorn:
        """Start gunicorn on a new Unix socket, or on `listener` as systemd would hand it over."""
        number = len(self.started)
        path = self.folder / f"{number}.sock"
        command: Sequence[str] = (sys.executable, "-m", "gunicorn", *arguments)
        if listener is None:
            command = (*command, "--bind", f"unix:{path}")
        else:
            path = Path(listener.getsockname())
            command = (sys.executable, "-c", _HAND_OVER, str(listener.fileno()), *command)
        log_path = self.folder / f"{number}.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=REPO,
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[] if listener is None else [listener.fileno()],
                start_new_session=True,
            )
        server = Gunicorn(process=process, socket_path=path, log_path=log_path)
        self.started.append(server)
        return server


#: systemd's protocol: the socket is file 3, and the environment names the process that it is for.
_HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def tool(name: str) -> str:
    """Return the path of a command that CI must have and another machine may lack."""
    path = shutil.which(name)
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{name} is missing: CI can't prove the units. Install the package systemd.")
    if path is None:
        pytest.skip(f"{name} is not on this machine")
    return path
