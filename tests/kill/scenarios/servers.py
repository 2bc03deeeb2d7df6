"""The database, Valkey and the mail server go away in the middle, and come back."""

from __future__ import annotations

import time
from random import Random

from tests.kill import books
from tests.kill.app.seams import KEPT
from tests.kill.house import House
from tests.kill.work import MAILS, Work, any_work, pause


def valkey_forgets_everything(house: House, rng: Random) -> None:
    """FLUSHALL with jobs running and waiting."""
    works = [Work(house, rng, mails=False) for _ in range(4)]
    with house.valkey() as valkey:
        for _ in range(2):
            valkey.flushall()
            pause(house, rng.uniform(0, 1))
    for work in works:
        work.check()


def valkey_dies_with_what_it_holds(house: House, rng: Random) -> None:
    """SIGKILL with jobs running and waiting; it comes back empty."""
    works = [Work(house, rng, mails=False) for _ in range(3)]
    for _ in range(2):
        house.kill("valkey")
        works.append(Work(house, rng, mails=False))
        pause(house, rng.uniform(0.2, 2))
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


def the_database_is_restarted(house: House, rng: Random) -> None:
    """PostgreSQL stops in the middle of everything, with a goodbye or without, and comes back."""
    assert house.postgres is not None
    work = any_work(house, rng)
    house.until(work.under_way)
    for _ in range(2):
        rng.choice([house.postgres.crash, house.postgres.shut_down])()
        time.sleep(rng.choice([0, 0, 0.5, 2]))
        house.postgres.come_back()
        pause(house, rng.uniform(0.3, 2))
    work.check()


def the_mail_server_dies_before_it_says_that_it_has_a_mail(house: House, rng: Random) -> None:
    """SIGKILL between the mail and its answer: that one is in doubt, and is not sent again."""
    house.failpoints.set(KEPT, "kill", rng.randint(1, MAILS // 2))
    job = house.ask("mail", ["good@client.example"] * MAILS)
    house.until(lambda: _resumed_to_its_end(house, job))
    assert house.failpoints.struck(KEPT)
    found = books.check_mail(house, job)
    books.check_complete(found, MAILS)
    assert len(found.keys("in_doubt")) == 1


def the_mail_server_dies_in_the_middle(house: House, rng: Random) -> None:
    """SIGKILL of the mail server between the mail and its answer."""
    job = house.ask("mail", ["slow-500@client.example"] * MAILS)
    for _ in range(2):
        before = house.processed(job)
        house.until(lambda before=before: house.processed(job) > before)  # type: ignore[misc]
        pause(house, rng.uniform(0, 0.5))
        house.kill("mail")

    house.until(lambda: _resumed_to_its_end(house, job))
    books.check_complete(books.check_mail(house, job), MAILS)


def _resumed_to_its_end(house: House, job: str) -> bool:
    """Tell whether a mailing is done; resume it when its error budget has stopped it."""
    if house.status(job) == "paused":
        # Too many failed in a row while nobody answered.
        assert house.ask("ask", "resume", job)
    return house.status(job) == "completed"
