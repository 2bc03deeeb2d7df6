"""`python -m tests.kill.chaos N [SEED]`: so many random scenarios, each with a seed of its own.

The seed of a failure is printed; with it, the same scenario is tried again with the same choices.
What the kernel and the machine do in between is not repeated, so try a few times.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
import traceback
from collections import Counter
from contextlib import ExitStack
from random import Random

from tests.kill.house import House, living_house
from tests.kill.postgres import CrashingPostgres
from tests.kill.scenarios import POSTGRESQL, SQLITE
from tests.kill.work import Scenario

#: A house is left for a new one after so many scenarios: its database grows.
STAY = 25


class Town:
    """One house on each database, built when somebody comes."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._houses: dict[str, House] = {}

    def house(self, database: str) -> House:
        """Give the house on a database."""
        if database not in self._houses:
            postgres = None
            if database == "postgresql":
                postgres = CrashingPostgres()
                postgres.start()
                self._stack.callback(postgres.stop)
            self._houses[database] = self._stack.enter_context(living_house(postgres))
        return self._houses[database]

    def leave(self) -> None:
        """Close every house."""
        self._houses.clear()
        self._stack.close()


def choose(seed: int) -> tuple[str, Scenario, Random]:
    """Choose a database and a scenario; CHAOS_ONLY narrows it to names that contain a word."""
    rng = Random(seed)
    only = os.environ.get("CHAOS_ONLY", "")
    scenarios = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
    every = [
        (database, scenario)
        for database, found in scenarios.items()
        for scenario in found
        if only in f"{database} {scenario.__name__}"
    ]
    database, scenario = rng.choice(every)
    return database, scenario, rng


def main(arguments: list[str]) -> int:
    """Run scenarios; answer with 1 if one failed."""
    count = int(arguments[0]) if arguments else 1
    first = int(arguments[1]) if len(arguments) > 1 else secrets.randbelow(10**9)
    town, failed, run = Town(), [], Counter[str]()
    try:
        for number, seed in enumerate(range(first, first + count)):
            if number and number % STAY == 0:
                town.leave()
            database, scenario, rng = choose(seed)
            name = f"{scenario.__name__} on {database}"
            house, began = town.house(database), time.monotonic()
            try:
                scenario(house, rng)
            except Exception:  # noqa: BLE001 (told below; the others go on)
                failed.append(seed)
                tell(f"FAILED  SEED={seed}  {name}\n{traceback.format_exc()}")
                town.leave()
            else:
                tell(f"ok  SEED={seed}  {time.monotonic() - began:5.1f} s  {name}")
                house.failpoints.clear()
            run[name] += 1
    finally:
        town.leave()
    tell(f"{sum(run.values())} runs of {len(run)} scenarios, {len(failed)} failed")
    for seed in failed:
        tell(f"again: make chaos N=1 SEED={seed}")
    return 1 if failed else 0


def tell(text: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
