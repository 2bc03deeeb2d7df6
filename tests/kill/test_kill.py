"""Nothing lost, nothing twice: real processes die, and the books are recomputed from three sides.

A short set with fixed seeds; `make chaos N=200` runs any number of random ones.
"""

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

from tests.kill.house import House, living_house
from tests.kill.postgres import CrashingPostgres
from tests.kill.scenarios import clocks, fanout, people, schedulers, servers, web, workers
from tests.kill.work import Scenario, Work, pause

pytestmark = [pytest.mark.integration, pytest.mark.kill]

#: Each on the database where it is harder; the other one is chaos's.
ON_SQLITE: tuple[Scenario, ...] = (
    workers.a_worker_dies_at_each_boundary_of_items,
    workers.a_worker_freezes_with_a_transaction_open,
    workers.anything_dies,
    servers.valkey_is_away_at_the_click,
    servers.the_mail_server_dies_before_it_says_that_it_has_a_mail,
    schedulers.the_leader_is_suspended_for_longer_than_its_lease,
    web.the_web_process_dies_at_a_seam_of_the_click,
    clocks.the_clock_is_stepped,
)
ON_POSTGRESQL: tuple[Scenario, ...] = (
    workers.a_worker_dies_at_a_seam,
    workers.a_worker_freezes_for_longer_than_its_lease,
    workers.messages_are_doubled,
    servers.valkey_forgets_everything,
    servers.the_database_is_restarted,
    people.people_change_their_minds,
    fanout.a_worker_dies_at_a_seam_of_shared_out_jobs,
    web.the_web_process_dies_in_mid_click,
    clocks.the_clock_is_put_back_while_a_job_is_put_off,
    clocks.the_clock_is_put_forward_under_the_living,
)
#: Room for a small database and little else.
DISK_BYTES = 24 * 1024 * 1024


@pytest.fixture(scope="module")
def house_on_sqlite() -> Iterator[House]:
    """Keep a house whose database is a file."""
    with living_house() as house:
        yield house


@pytest.fixture(scope="module")
def house_on_postgresql() -> Iterator[House]:
    """Keep a house whose database is a server of its own."""
    server = CrashingPostgres()
    server.start()
    try:
        with living_house(server) as house:
            yield house
    finally:
        server.stop()


@pytest.mark.parametrize("scenario", ON_SQLITE, ids=lambda each: each.__name__)
def test_the_books_are_right_on_sqlite_when(scenario: Scenario, house_on_sqlite: House) -> None:
    house_on_sqlite.failpoints.clear()

    scenario(house_on_sqlite, Random(1))


@pytest.mark.parametrize("scenario", ON_POSTGRESQL, ids=lambda each: each.__name__)
def test_the_books_are_right_on_postgresql_when(
    scenario: Scenario, house_on_postgresql: House
) -> None:
    house_on_postgresql.failpoints.clear()

    scenario(house_on_postgresql, Random(1))


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
