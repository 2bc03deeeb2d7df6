"""Somebody sets a clock: the machines' or the database's."""

from __future__ import annotations

from random import Random

from tests.kill import books
from tests.kill.house import WORKERS, House
from tests.kill.work import Work, pause

HOUR = 3600.0


def the_clock_is_stepped(house: House, rng: Random) -> None:
    """An hour forward and two back, with a worker dead that held a lease of the old time."""
    work = Work(house, rng, mails=False)
    house.until(work.under_way)
    _set(house, rng, HOUR)
    pause(house, rng.uniform(0.2, 2))
    house.kill(rng.choice(WORKERS))
    _set(house, rng, -HOUR)
    work.check()
    _set(house, rng, 0)
    Work(house, rng, mails=False).check()
    _set_right(house)


def the_clock_is_put_back_while_a_job_is_put_off(house: House, rng: Random) -> None:
    """The job goes on after its two seconds, and not after two seconds and an hour."""
    job = house.ask("begin", "put_off", 3, 0)
    house.until(lambda: house.processed(job) == 1 and house.status(job) == "pending")
    _set(house, rng, -HOUR)
    house.until(lambda: house.status(job) == "completed")
    books.check_complete(books.check_exact(house, job, 3), 3)
    _set_right(house)


def the_clock_is_put_forward_under_the_living(house: House, rng: Random) -> None:
    """All leases have run out at once, and nobody who lives is given up for dead."""
    plain = house.ask("plain")
    works = [Work(house, rng, mails=False)]
    house.until(works[0].under_way)
    for ahead in (60, HOUR, rng.uniform(2, 50) * 24 * HOUR):
        _set(house, rng, ahead)
        pause(house, rng.uniform(0.5, 2))
        works.append(Work(house, rng, mails=False))
    books.check_plain(house, plain)
    for work in works:
        work.check()
    _set_right(house)


def _set(house: House, rng: Random, ahead: float) -> None:
    """Set the database's clock, the machines', or both; on SQLite they are one."""
    which = rng.choice(["machines", "database", "both"]) if house.postgres else "machines"
    if which != "database":
        house.clocks.set_machines(ahead)
    if which != "machines":
        house.clocks.set_database(ahead)


def _set_right(house: House) -> None:
    house.clocks.set_machines(0)
    if house.postgres:
        house.clocks.set_database(0)
