"""Jobs that are shared out: their parts, and whoever sums them up, are killed."""

from __future__ import annotations

from random import Random

from tests.kill import books
from tests.kill.app.fates import PART
from tests.kill.app.seams import FAN_OUT
from tests.kill.house import WORKERS, House
from tests.kill.work import ITEMS, BigWork, pause

POINTS = (*FAN_OUT, "claim.after", "end.before", "end.after", "exact.inside", "outside.done")


def workers_die_while_parts_are_done(house: House, rng: Random) -> None:
    """SIGKILL of either worker, or both, at any moment from the sharing out to the last sum."""
    work = BigWork(house, rng)
    for _ in range(4):
        pause(house, rng.uniform(0.1, 2.5))
        for name in rng.sample(WORKERS, rng.randint(1, 2)):
            house.kill(name)
    work.check()


def a_worker_dies_at_a_seam_of_shared_out_jobs(house: House, rng: Random) -> None:
    """SIGKILL at the sharing out, in a part, at its end, and at the summing up."""
    for point in rng.sample(POINTS, 3):
        house.failpoints.set(point, "kill", rng.randint(1, 8))
    BigWork(house, rng).check()


def the_last_part_ends_and_nobody_sums_up(house: House, rng: Random) -> None:
    """SIGKILL between the end of the last part and that of the whole, which the scheduler makes."""
    house.kill("right", keep=False)
    # One worker does all: what it ends last is the last.
    house.failpoints.set("end.after", "kill", -(-ITEMS // PART))
    actor, check = rng.choice(
        [("wide_exact", books.check_exact), ("wide_outside", books.check_outside)]
    )
    job = house.ask("begin", actor, ITEMS, 0)
    house.until(lambda: house.failpoints.struck("end.after"))
    house.until(lambda: house.status(job) == "completed")
    books.check_complete(books.check_shared_out(house, job, ITEMS, check), ITEMS)
    house.keep("right")


def people_change_their_minds_about_shared_out_jobs(house: House, rng: Random) -> None:
    """Cancel, pause, resume and retry of the whole at any moment, while workers die."""
    work = BigWork(house, rng)
    for _ in range(8):
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
        if all(books.parts_of(house, job) for job in work.jobs):
            work.check_so_far()
        for job in work.jobs:
            for verb in ("resume", "retry"):
                house.ask("ask", verb, job)
    work.check()
