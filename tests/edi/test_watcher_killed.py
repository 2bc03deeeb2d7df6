"""A watcher that is killed again and again receives each file once, and no less."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from random import Random

import pytest

from heron.demo.surroundings import ROOT, python
from tests.edi.factories import interchange, order
from tests.support.prepared import MIGRATE, prepare

pytestmark = [pytest.mark.integration, pytest.mark.kill]

FILES, KILLS = 40, 4
PATIENCE_S = 60.0
RECEIVED = "from apps.edi.models import EdiFile; print(EdiFile.objects.count())"


def test_each_file_is_received_once(tmp_path: Path) -> None:
    box, var = tmp_path / "in", tmp_path / "var"
    box.mkdir()
    var.mkdir()
    env = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "DJANGO_SETTINGS_MODULE": "heron.settings",
        "DRAMATIQ_STUB": "1",
        "DEBUG": "0",
        "SECRET_KEY": "only-for-tests-" + "0" * 50,
        "HERON_VAR_DIR": str(var),
        "LOG_LEVEL": "ERROR",
    }

    def manage(*arguments: str) -> str:
        done = subprocess.run(
            python("manage.py", *arguments),
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def watch() -> subprocess.Popen[bytes]:
        command = python("manage.py", "edi_watch", str(box), "--settle", "0", "--interval", "0.05")
        return subprocess.Popen(command, cwd=ROOT, env=env)

    prepare(env, MIGRATE)
    for number in range(FILES):
        (box / f"{number}.edi").write_bytes(interchange(order(), reference=f"R{number}"))
    random, deadline = Random(5), time.monotonic() + PATIENCE_S
    watchers = [watch(), watch()]
    try:
        for _ in range(KILLS):
            before = len(list((box / "done").glob("*"))) if (box / "done").is_dir() else 0
            while len(list((box / "done").glob("*"))) <= min(before, FILES - 1):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.05))
            victim = watchers.pop(0)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            watchers.append(watch())
        while len(list((box / "done").glob("*"))) < FILES:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        for watcher in watchers:
            watcher.send_signal(signal.SIGTERM)
        for watcher in watchers:
            # One that was started a moment ago does not listen yet.
            assert watcher.wait(timeout=20) in (0, -signal.SIGTERM)

    assert int(manage("shell", "--no-imports", "--command", RECEIVED)) == FILES
    assert list((box / ".working").iterdir()) == []
    assert list((box / "failed").iterdir()) == []
