"""What a house is given to do, and how it is looked into afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from tests.kill import books
from tests.kill.house import FAN_OUT_ABOVE, House

Scenario = Callable[[House, Random], None]

ITEMS = 80
PACE_S = 0.01
MAILS = 16
#: More than one worker's share.
BIG_MAILING = FAN_OUT_ABOVE + 4
OVER = ("completed", "failed", "cancelled", "expired")


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
        if self.mail is not None and self.house.status(self.mail) == "paused":
            self.house.ask("ask", "resume", self.mail)
        return all(self.house.status(job) in OVER for job in self.jobs)

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


class BigWork:
    """One job of each kind that is shared out, under way."""

    def __init__(self, house: House, rng: Random) -> None:
        self.house = house
        self.exact: str = house.ask("begin", "wide_exact", ITEMS, PACE_S)
        self.outside: str = house.ask("begin", "wide_outside", ITEMS, PACE_S)
        self.mail: str = house.ask("mail", addresses(rng, BIG_MAILING))

    @property
    def jobs(self) -> list[str]:
        """Name the jobs."""
        return [self.exact, self.outside, self.mail]

    def under_way(self) -> bool:
        """Tell whether each job has counted some items."""
        return all(self.house.processed(job) > 2 for job in self.jobs)

    def over(self) -> bool:
        """Tell whether each job is over; one that its error budget has stopped is resumed."""
        if self.house.status(self.mail) == "paused":
            self.house.ask("ask", "resume", self.mail)
        return all(self.house.status(job) in OVER for job in self.jobs)

    def check_so_far(self) -> tuple[books.Books, books.Books, books.Books]:
        """Recompute the books of jobs on which nobody works."""
        return (
            books.check_shared_out(self.house, self.exact, ITEMS, books.check_exact),
            books.check_shared_out(self.house, self.outside, ITEMS, books.check_outside),
            books.check_mail(self.house, self.mail),
        )

    def check(self) -> None:
        """Wait for the end, and recompute the books."""
        self.house.until(self.over)
        exact, outside, mail = self.check_so_far()
        books.check_complete(exact, ITEMS)
        books.check_fates(exact, ITEMS, skips=True)
        assert not exact.keys("in_doubt"), "an effect in the database is never in doubt"
        books.check_complete(outside, ITEMS)
        books.check_fates(outside, ITEMS, skips=False)
        books.check_complete(mail, BIG_MAILING)


def any_work(house: House, rng: Random) -> Work | BigWork:
    """Give the house jobs for one worker each, or such as are shared out."""
    return Work(house, rng) if rng.random() < 0.5 else BigWork(house, rng)


def addresses(rng: Random, count: int = MAILS) -> list[str]:
    """Make addresses, with some that the mail server treats badly."""
    kinds = ["good"] * 8 + ["slow-200", "slow-500", "5xx-550", "drop-data"]
    return [f"{rng.choice(kinds)}@client-{number}.example" for number in range(count)]


def pause(house: House, seconds: float) -> None:
    """Let time go by in a house that is tended."""
    until = time.monotonic() + seconds
    house.until(lambda: time.monotonic() >= until)
