"""Nothing lost, nothing twice on SQLite: real processes die, and the books are recomputed.

A short set with fixed seeds, of what is harder on this database; `make chaos N=200` runs any number
of random ones on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.kill.house import House, living_house
from tests.kill.scenarios import clocks, schedulers, servers, web, workers
from tests.kill.work import Scenario

pytestmark = [pytest.mark.integration, pytest.mark.kill]

SCENARIOS: tuple[Scenario, ...] = (
    workers.a_worker_dies_at_each_boundary_of_items,
    workers.a_worker_freezes_with_a_transaction_open,
    workers.anything_dies,
    servers.valkey_is_away_at_the_click,
    servers.the_mail_server_dies_before_it_says_that_it_has_a_mail,
    schedulers.the_leader_dies_and_the_deputy_takes_over,
    web.the_web_process_dies_in_mid_click,
    clocks.the_clock_is_stepped,
)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Keep a house whose database is a file."""
    with living_house() as house:
        yield house


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_the_books_are_right_when(scenario: Scenario, house: House) -> None:
    house.failpoints.clear()

    scenario(house, Random(1))
