"""Workers that die, freeze, are replaced, or are asked twice."""

from __future__ import annotations

import os
import signal
from random import Random

from tests.kill import books
from tests.kill.app.seams import PRODUCT
from tests.kill.house import LEASE_S, WORKERS, House
from tests.kill.work import Work, any_work, pause

EXACT_POINTS = ("exact.between", "exact.inside")
OUTSIDE_POINTS = ("outside.between", "outside.reserved", "outside.done")
#: Where no transaction is open, so that a frozen process holds nobody else up on SQLite.
FREEZING_POINTS = ("outside.between", "outside.reserved", "outside.done", "end.before")


def a_worker_dies_at_a_seam(house: House, rng: Random) -> None:
    """SIGKILL between two steps of the product, or of the actor."""
    point = rng.choice([*PRODUCT, *EXACT_POINTS, *OUTSIDE_POINTS])
    house.failpoints.set(point, "kill", rng.randint(1, 12))
    Work(house, rng, mails=False).check()


def a_worker_dies_at_each_boundary_of_items(house: House, rng: Random) -> None:
    """SIGKILL before, in and after one item after the other."""
    job = house.ask("begin", "outside", 3, 0)
    other = house.ask("begin", "exact", 3, 0)
    for point in (*OUTSIDE_POINTS, *EXACT_POINTS):
        house.failpoints.set(point, "kill", rng.randint(1, 2))
    house.until(lambda: {house.status(job), house.status(other)} == {"completed"})
    books.check_complete(books.check_outside(house, job, 3), 3)
    books.check_complete(books.check_exact(house, other, 3), 3)


def a_worker_dies_at_just_this_item(house: House, rng: Random) -> None:
    """SIGKILL at the first, the second, then the third item: that one is in doubt, or none is."""
    point = rng.choice([*EXACT_POINTS, *OUTSIDE_POINTS])
    actor = point.partition(".")[0]
    check = books.check_exact if actor == "exact" else books.check_outside
    for number in (1, 2, 3):
        house.failpoints.set(point, "kill", number)
        job = house.ask("begin", actor, 3, 0)
        house.until(lambda job=job: house.status(job) == "completed")  # type: ignore[misc]
        assert house.failpoints.struck(point)
        found = check(house, job, 3)
        books.check_complete(found, 3)
        doubtful = {str(number)} if point in ("outside.reserved", "outside.done") else set()
        assert found.keys("in_doubt") == doubtful
        house.failpoints.clear()


def workers_die_at_any_moment(house: House, rng: Random) -> None:
    """SIGKILL of either worker, or both, whatever they are doing."""
    work = Work(house, rng)
    house.until(work.under_way)
    for _ in range(3):
        for name in rng.sample(WORKERS, rng.randint(1, 2)):
            house.kill(name)
        pause(house, rng.uniform(0.5, 4))
    work.check()


def anything_dies(house: House, rng: Random) -> None:
    """SIGKILL of worker, scheduler, mail server, Valkey or the office, one after the other."""
    work = any_work(house, rng)
    for _ in range(5):
        name = rng.choice([*WORKERS, "scheduler", "mail", "valkey", "office"])
        if name == "office":
            house.close_office()
        else:
            house.kill(name)
        pause(house, rng.uniform(0.2, 2))
    work.check()


def a_worker_freezes_for_longer_than_its_lease(house: House, rng: Random) -> None:
    """SIGSTOP, another worker takes over, SIGCONT: what comes back may write nothing."""
    point = rng.choice(FREEZING_POINTS)
    house.failpoints.set(point, "stop", rng.randint(1, 8))
    work = Work(house, rng, mails=False)
    house.until(lambda: house.failpoints.struck(point) or work.over())
    frozen = house.failpoints.struck(point)
    if frozen is not None:
        pause(house, rng.uniform(1.5, 3) * LEASE_S)
        os.kill(frozen, signal.SIGCONT)
    work.check()
    # What came back has had its chance to spoil something.
    pause(house, 1)
    work.check()


def a_worker_freezes_with_a_transaction_open(house: House, rng: Random) -> None:
    """SIGSTOP while the database is locked; on SQLite everybody waits."""
    point = rng.choice(["exact.inside", "batch-join.after", "batch-leave.before", "write.after"])
    # The office must be done with the database before.
    work = Work(house, rng, mails=False)
    house.failpoints.set(point, "stop", rng.randint(1, 4))
    house.until(lambda: house.failpoints.struck(point) or work.over())
    frozen = house.failpoints.struck(point)
    if frozen is not None:
        pause(house, 1.5 * LEASE_S)
        os.kill(frozen, signal.SIGCONT)
    work.check()


def messages_are_doubled(house: House, rng: Random) -> None:
    """The same job is in the queue six times, and again while it runs."""
    work = Work(house, rng)
    for job in work.jobs:
        house.ask("double", job, 5)
    house.until(work.under_way)
    for job in work.jobs:
        house.ask("double", job, rng.randint(1, 5))
    work.check()


def workers_are_replaced(house: House, rng: Random) -> None:
    """SIGTERM: a new version is deployed, worker after worker; no attempt is used up."""
    work = Work(house, rng)
    house.until(work.under_way)
    for name in WORKERS:
        house.processes[name].terminate()
        process = house.processes[name]
        house.until(lambda process=process: process.status is not None)  # type: ignore[misc]
        assert process.status == 0
        house.tend()
    work.check()


def one_job_holds_its_row_for_long(house: House, rng: Random) -> None:
    """A long item in an open transaction takes the lease of no job of the same worker."""
    house.kill("right", keep=False)
    holding = house.ask("begin", "holding", 2, 2.5 * LEASE_S)
    outside = house.ask("begin", "outside", 4, 1.5 * LEASE_S)
    house.until(lambda: {house.status(holding), house.status(outside)} == {"completed"})
    house.keep("right")
    for job in (holding, outside):
        assert house.job(job)["epoch"] == 1, "a living worker has lost its lease"
    books.check_complete(books.check_exact(house, holding, 2), 2)
    books.check_complete(books.check_outside(house, outside, 4), 4)
