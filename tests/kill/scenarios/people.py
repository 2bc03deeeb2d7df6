"""People click, change their minds, and are cut off."""

from __future__ import annotations

from random import Random

from tests.kill import books
from tests.kill.house import WORKERS, House
from tests.kill.work import ITEMS, Work, pause


def the_click_dies_before_the_bell(house: House, rng: Random) -> None:
    """SIGKILL of the process that took the click, between its commit and the message."""
    newest = "SELECT job_id FROM core_sseprogress WHERE task_type = ? ORDER BY created_at DESC"
    before = [row["job_id"] for row in house.rows(newest, "exact")]
    house.failpoints.set("ring.before")
    try:
        house.ask("begin", "exact", ITEMS, 0)
    except ChildProcessError:
        house.close_office()
    (job,) = [r["job_id"] for r in house.rows(newest, "exact") if r["job_id"] not in before]
    house.until(lambda: house.status(job) == "completed")
    books.check_complete(books.check_exact(house, job, ITEMS), ITEMS)


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
