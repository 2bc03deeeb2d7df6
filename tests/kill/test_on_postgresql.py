"""Nothing lost, nothing twice on PostgreSQL: real processes die, and the books are recomputed.

A short set with fixed seeds, of what is harder on this database; `make chaos N=200` runs any number
of random ones on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.kill.house import House, living_house
from tests.kill.postgres import CrashingPostgres
from tests.kill.scenarios import clocks, fanout, servers, web, workers
from tests.kill.work import Scenario

pytestmark = [pytest.mark.integration, pytest.mark.kill]

SCENARIOS: tuple[Scenario, ...] = (
    workers.a_worker_dies_at_a_seam,
    workers.a_worker_dies_at_just_this_item,
    workers.a_worker_freezes_for_longer_than_its_lease,
    workers.messages_are_doubled,
    servers.valkey_forgets_everything,
    servers.the_database_is_restarted,
    fanout.a_worker_dies_at_a_seam_of_shared_out_jobs,
    web.the_web_process_dies_at_a_seam_of_the_click,
    clocks.the_clock_is_put_back_while_a_job_is_put_off,
    clocks.the_clock_is_put_forward_under_the_living,
)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Keep a house whose database is a server of its own."""
    server = CrashingPostgres()
    server.start()
    try:
        with living_house(server) as house:
            yield house
    finally:
        server.stop()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_the_books_are_right_when(scenario: Scenario, house: House) -> None:
    house.failpoints.clear()

    scenario(house, Random(1))
