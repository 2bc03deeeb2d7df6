"""Processes are stopped for certain, and in the way that Dramatiq needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from heron.demo.process import Process, stop_all

pytestmark = pytest.mark.integration

#: Starts a child that ignores SIGTERM, says its own and the child's process id, and waits.
WITH_STUBBORN_CHILD = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""
#: Counts the SIGTERMs that reach a child of the process.
WITH_COUNTING_CHILD = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('TERM', flush=True));"
    "print('ready', flush=True); time.sleep(1); time.sleep(60)"])
def on_term(*_):
    child.terminate()
    time.sleep(0.5)
    sys.exit()
signal.signal(signal.SIGTERM, on_term)
time.sleep(60)
"""


def _eventually(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def _start(code: str, lines: list[str]) -> Process:
    return Process(
        "child",
        [sys.executable, "-c", code],
        env=dict(os.environ),
        cwd=Path.cwd(),
        on_line=lambda _name, line: lines.append(line),
    )


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_stopped_process_leaves_no_grandchild() -> None:
    lines: list[str] = []
    process = _start(WITH_STUBBORN_CHILD, lines)
    assert _eventually(lambda: lines)
    grandchild = int(lines[0])
    assert _alive(grandchild)

    stubborn = stop_all([process], within_s=5)

    assert stubborn == []
    assert process.status == -signal.SIGTERM
    assert _eventually(lambda: not _alive(grandchild))


def test_only_the_leader_is_asked_to_end_so_that_dramatiqs_workers_hear_it_once() -> None:
    lines: list[str] = []
    process = _start(WITH_COUNTING_CHILD, lines)
    assert _eventually(lambda: "ready" in lines)

    stop_all([process], within_s=5)

    assert lines.count("TERM") == 1


def test_a_process_that_does_not_listen_is_killed_and_named() -> None:
    lines: list[str] = []
    process = _start(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('deaf', flush=True); time.sleep(60)",
        lines,
    )
    assert _eventually(lambda: lines)

    stubborn = stop_all([process], within_s=0.2)

    assert stubborn == ["child"]
    assert process.status == -signal.SIGKILL


def test_the_last_words_of_a_dead_process_are_kept() -> None:
    process = _start("print('one'); raise SystemExit('no disk left')", [])

    assert _eventually(lambda: process.status is not None)

    assert process.status == 1
    assert process.last_words.splitlines() == ["    one", "    no disk left"]


def test_a_killed_demo_leaves_nothing_behind(short_tmp_path: Path) -> None:
    scratch = short_tmp_path / "scratch"
    scratch.mkdir()
    demo = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, subprocess, sys, time\n"
            "from pathlib import Path\n"
            "from heron.demo.guard import Guard\n"
            "guard = Guard(Path(sys.argv[1]))\n"
            f"code = {WITH_STUBBORN_CHILD!r}\n"
            "child = subprocess.Popen([sys.executable, '-c', code], start_new_session=True)\n"
            "guard.watch(child.pid)\n"
            "print(child.pid, flush=True)\n"
            "time.sleep(60)\n",
            str(scratch),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    pids = [int(demo.stdout.readline()), int(demo.stdout.readline())]

    demo.kill()
    demo.communicate()

    assert _eventually(lambda: not any(map(_alive, pids)))
    assert _eventually(lambda: not scratch.exists())
