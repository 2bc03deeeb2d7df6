"""`make demo` starts, says where it is, and leaves nothing behind however it ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from heron.demo import ports
from heron.demo.surroundings import ROOT, Surroundings, python
from tests.support.prepared import MIGRATE, SEED, prepare

pytestmark = pytest.mark.integration

#: Seconds in which the demo promises to be gone.
GONE_WITHIN_S = 5


@dataclass
class Demo:
    """A running demo and what it said."""

    popen: subprocess.Popen[str]
    url: str
    said: str

    def family(self) -> list[psutil.Process]:
        """Return the demo's process with everything that it started."""
        process = psutil.Process(self.popen.pid)
        return [process, *process.children(recursive=True)]

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit status and the rest of what it said."""
        self.popen.send_signal(number)
        rest, _ = self.popen.communicate(timeout=60)
        return self.popen.returncode, rest


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start demos in a var directory of the test's own, which has its data unless it is fresh."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, fresh: bool = False) -> subprocess.Popen[str]:
        if not fresh and not started:
            here = Surroundings(
                var=tmp_path / "var", scratch=tmp_path, web_port=0, smtp_port=0, extra={}
            )
            prepare(here.environment(), MIGRATE, SEED)
        popen = subprocess.Popen(
            python("-m", "heron.demo", "--var", str(tmp_path / "var"), *arguments),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(popen)
        return popen

    yield run
    for popen in started:
        if popen.poll() is None:
            popen.terminate()
        popen.communicate()


def _running(popen: subprocess.Popen[str]) -> Demo:
    """Read until the demo says that it runs."""
    said = ""
    assert popen.stdout is not None
    for line in popen.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    address = re.search(r"http://localhost:\d+", said)
    assert address, said
    return Demo(popen, address[0], said)


def _gone(processes: list[psutil.Process], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):
            return True
        time.sleep(0.05)
    return False


def test_ctrl_c_ends_everything_in_time(start: Start) -> None:
    demo = _running(start("--port", str(ports.any_free()), fresh=True))
    family = demo.family()
    assert len(family) >= 7  # demo, guard, web, worker with child, scheduler, mail, Valkey
    with urlopen(f"{demo.url}/accounts/login/") as page:
        assert page.status == 200
    began = time.monotonic()

    status, rest = demo.end(signal.SIGINT)

    assert time.monotonic() - began < GONE_WITHIN_S
    assert status == 0
    assert "Everything has ended" in rest
    assert "was killed" not in rest
    assert _gone(family, within_s=1)


def test_sigkill_leaves_no_process_behind(start: Start) -> None:
    demo = _running(start("--port", str(ports.any_free())))
    family = demo.family()

    status, _ = demo.end(signal.SIGKILL)

    assert status == -signal.SIGKILL
    assert _gone(family, within_s=30)


def test_a_taken_port_and_a_taken_folder_are_not_fought_for(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        demo = _running(start("--port", str(port)))
        second = start()
        said, _ = second.communicate(timeout=60)

    assert f"Port {port} is taken" in demo.said
    assert demo.url != f"http://localhost:{port}"
    assert second.returncode == 1
    assert f"already running in this folder ({demo.url})" in said


def test_when_a_process_dies_the_demo_ends_with_its_last_words(start: Start) -> None:
    demo = _running(start("--port", str(ports.any_free())))
    family = demo.family()
    scheduler = next(p for p in family if "workers.scheduler" in p.cmdline())

    scheduler.kill()
    rest, _ = demo.popen.communicate(timeout=60)

    assert demo.popen.returncode == 1
    assert "The scheduler process ended by itself with status -9" in rest
    assert _gone(family, within_s=1)
