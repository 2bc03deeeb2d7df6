"""What may befall a house while it works. Each ends with every job complete and its books right."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from random import Random

from tests.kill import books
from tests.kill.app.seams import PRODUCT
from tests.kill.house import LEASE_S, WORKERS, House

Scenario = Callable[[House, Random], None]

EXACT_POINTS = ("exact.between", "exact.inside")
OUTSIDE_POINTS = ("outside.between", "outside.reserved", "outside.done")
#: Where no transaction is open, so that a frozen process holds nobody else up on SQLite.
FREEZING_POINTS = ("outside.between", "outside.reserved", "outside.done", "end.before")
ITEMS = 80
PACE_S = 0.01
MAILS = 16


class Work:
    """One job of each kind, under way."""

    def __init__(self, house: House, rng: Random, *, mails: bool = True) -> None:
        self.house = house
        self.exact: str = house.ask("begin", "exact", ITEMS, PACE_S)
        self.outside: str = house.ask("begin", "outside", ITEMS, PACE_S)
        self.mail: str | None = house.ask("mail", addresses(rng)) if mails else None

    @property
    def jobs(self) -> list[str]:
        """Name the jobs."""
        return [each for each in (self.exact, self.outside, self.mail) if each is not None]

    def under_way(self) -> bool:
        """Tell whether each job has counted some items."""
        return all(self.house.processed(job) > 2 for job in self.jobs)

    def over(self) -> bool:
        """Tell whether each job is over; one that its error budget has stopped is resumed."""
        over = ("completed", "failed", "cancelled", "expired")
        if self.mail is not None and self.house.status(self.mail) == "paused":
            self.house.ask("ask", "resume", self.mail)
        return all(self.house.status(job) in over for job in self.jobs)

    def check(self) -> None:
        """Wait for the end, and recompute the books."""
        self.house.until(self.over)
        exact = books.check_exact(self.house, self.exact, ITEMS)
        books.check_complete(exact, ITEMS)
        books.check_fates(exact, ITEMS, skips=True)
        assert not exact.keys("in_doubt"), "an effect in the database is never in doubt"
        outside = books.check_outside(self.house, self.outside, ITEMS)
        books.check_complete(outside, ITEMS)
        books.check_fates(outside, ITEMS, skips=False)
        if self.mail is not None:
            books.check_complete(books.check_mail(self.house, self.mail), MAILS)


def addresses(rng: Random) -> list[str]:
    """Make addresses, with some that the mail server treats badly."""
    kinds = ["good"] * 8 + ["slow-200", "slow-500", "5xx-550", "drop-data"]
    return [f"{rng.choice(kinds)}@client-{number}.example" for number in range(MAILS)]


def a_worker_dies_at_a_seam(house: House, rng: Random) -> None:
    """SIGKILL between two steps of the product, or of the actor."""
    point = rng.choice([*PRODUCT, *EXACT_POINTS, *OUTSIDE_POINTS])
    house.set_failpoint(point, "kill", rng.randint(1, 12))
    Work(house, rng, mails=False).check()


def a_worker_dies_at_each_boundary_of_items(house: House, rng: Random) -> None:
    """SIGKILL before, in and after one item after the other."""
    job = house.ask("begin", "outside", 3, 0)
    other = house.ask("begin", "exact", 3, 0)
    for point in (*OUTSIDE_POINTS, *EXACT_POINTS):
        house.set_failpoint(point, "kill", rng.randint(1, 2))
    house.until(lambda: {house.status(job), house.status(other)} == {"completed"})
    books.check_complete(books.check_outside(house, job, 3), 3)
    books.check_complete(books.check_exact(house, other, 3), 3)


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
    work = Work(house, rng)
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
    house.set_failpoint(point, "stop", rng.randint(1, 8))
    work = Work(house, rng, mails=False)
    house.until(lambda: house.struck(point) or work.over())
    frozen = house.struck(point)
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
    house.set_failpoint(point, "stop", rng.randint(1, 4))
    house.until(lambda: house.struck(point) or work.over())
    frozen = house.struck(point)
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


def valkey_forgets_everything(house: House, rng: Random) -> None:
    """FLUSHALL with jobs running and waiting."""
    works = [Work(house, rng, mails=False) for _ in range(4)]
    with house.valkey() as valkey:
        for _ in range(2):
            valkey.flushall()
            pause(house, rng.uniform(0, 1))
    for work in works:
        work.check()


def valkey_is_away_at_the_click(house: House, rng: Random) -> None:
    """The click succeeds, the job waits for the queue, and starts by itself."""
    house.kill("valkey", keep=False)
    work = Work(house, rng)
    for job in work.jobs:
        row = house.job(job)
        assert (row["status"], row["enqueued_at"]) == ("pending", None)
    pause(house, rng.uniform(0, 3))
    house.keep("valkey")
    work.check()


def the_click_dies_before_the_bell(house: House, rng: Random) -> None:
    """SIGKILL of the process that took the click, between its commit and the message."""
    newest = "SELECT job_id FROM core_sseprogress WHERE task_type = ? ORDER BY created_at DESC"
    before = [row["job_id"] for row in house.rows(newest, "exact")]
    house.set_failpoint("ring.before")
    try:
        house.ask("begin", "exact", ITEMS, 0)
    except ChildProcessError:
        house.close_office()
    (job,) = [r["job_id"] for r in house.rows(newest, "exact") if r["job_id"] not in before]
    house.until(lambda: house.status(job) == "completed")
    books.check_complete(books.check_exact(house, job, ITEMS), ITEMS)


def the_clock_is_stepped(house: House, rng: Random) -> None:
    """An hour forward and two back, with a worker dead that held a lease of the old time."""
    work = Work(house, rng, mails=False)
    house.until(work.under_way)
    house.step_clock(3600)
    pause(house, rng.uniform(0.2, 2))
    house.kill(rng.choice(WORKERS))
    house.step_clock(-3600)
    work.check()
    house.step_clock(0)
    Work(house, rng, mails=False).check()


def the_database_crashes(house: House, rng: Random) -> None:
    """PostgreSQL stops at once in the middle of everything, and comes back."""
    assert house.postgres is not None
    work = Work(house, rng)
    house.until(work.under_way)
    for _ in range(2):
        house.postgres.crash()
        time.sleep(rng.choice([0, 0, 0.5, 2]))
        house.postgres.come_back()
        pause(house, rng.uniform(0.3, 2))
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


def the_mail_server_dies_in_the_middle(house: House, rng: Random) -> None:
    """SIGKILL of the mail server between the mail and its answer."""
    job = house.ask("mail", ["slow-500@client.example"] * MAILS)
    for _ in range(2):
        before = house.processed(job)
        house.until(lambda before=before: house.processed(job) > before)  # type: ignore[misc]
        pause(house, rng.uniform(0, 0.5))
        house.kill("mail")

    def complete() -> bool:
        if house.status(job) == "paused":
            # Too many failed in a row while nobody answered: the error budget has stopped it.
            assert house.ask("ask", "resume", job)
        return house.status(job) == "completed"

    house.until(complete)
    books.check_complete(books.check_mail(house, job), MAILS)


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


def people_change_their_minds(house: House, rng: Random) -> None:
    """Cancel, pause, resume and retry at any moment, while workers die."""
    work = Work(house, rng)
    for _ in range(10):
        verb = rng.choice(["cancel", "pause", "resume", "retry"])
        house.ask("ask", verb, rng.choice(work.jobs))
        if rng.random() < 0.3:
            house.kill(rng.choice(WORKERS))
        pause(house, rng.uniform(0.05, 0.8))

    def at_rest() -> bool:
        return not {house.status(job) for job in work.jobs} & {
            *("pending", "running", "pausing", "cancelling")
        }

    for _ in range(2):
        house.until(at_rest)
        books.check_exact(house, work.exact, ITEMS)
        books.check_outside(house, work.outside, ITEMS)
        assert work.mail is not None
        books.check_mail(house, work.mail)
        for job in work.jobs:
            for verb in ("resume", "retry"):
                house.ask("ask", verb, job)
    work.check()


def pause(house: House, seconds: float) -> None:
    """Let time go by in a house that is tended."""
    until = time.monotonic() + seconds
    house.until(lambda: time.monotonic() >= until)


ANYWHERE: tuple[Scenario, ...] = (
    a_worker_dies_at_a_seam,
    a_worker_dies_at_each_boundary_of_items,
    workers_die_at_any_moment,
    anything_dies,
    a_worker_freezes_for_longer_than_its_lease,
    a_worker_freezes_with_a_transaction_open,
    messages_are_doubled,
    valkey_forgets_everything,
    valkey_is_away_at_the_click,
    the_click_dies_before_the_bell,
    the_mail_server_dies_in_the_middle,
    workers_are_replaced,
    people_change_their_minds,
)
SQLITE: tuple[Scenario, ...] = (*ANYWHERE, the_clock_is_stepped)
POSTGRESQL: tuple[Scenario, ...] = (
    *ANYWHERE,
    the_database_crashes,
    one_job_holds_its_row_for_long,
)
