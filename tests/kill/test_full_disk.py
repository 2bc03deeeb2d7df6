"""A database file whose disk is full: jobs stop, and nothing is spoilt."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.kill.house import living_house
from tests.kill.work import Work, pause

pytestmark = [pytest.mark.integration, pytest.mark.kill]

#: Room for a small database and little else.
DISK_BYTES = 24 * 1024 * 1024


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Mount a disk that is soon full."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="heron-disk-", dir="/tmp"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "heron-test", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True, text=True)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"this machine mounts nothing: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_full_disk_stops_jobs_and_spoils_nothing(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with living_house(var=small_disk / "var") as house:
        work = Work(house, Random(1), mails=False)
        house.until(work.under_way)

        fill(ballast)
        pause(house, 4)
        ballast.unlink()

        work.check()


def fill(ballast: Path) -> None:
    """Leave no byte free, whatever others free meanwhile."""
    deadline = time.monotonic() + 2
    with ballast.open("wb", buffering=0) as file:
        while time.monotonic() < deadline:
            try:
                file.write(b"\0" * 4096)
            except OSError:
                time.sleep(0.01)
