"""Two schedulers at once: either is killed, or suspended for longer than it may lead."""

from __future__ import annotations

import os
import signal
import time
from random import Random

from tests.kill import books
from tests.kill.house import SCHEDULERS, WORKERS, House
from tests.kill.work import Work, pause

#: The leader's lease: workers/leader.py.
LEADS_FOR_S = 6.0
#: From the death of the leader until somebody else leads.
TAKEN_OVER_S = 10.0


def schedulers_die_and_freeze_at_any_moment(house: House, rng: Random) -> None:
    """SIGKILL or SIGSTOP of either or both, while workers die and leave them something to do."""
    _two(house)
    plain = house.ask("plain")
    work = Work(house, rng)
    for _ in range(3):
        pause(house, rng.uniform(0, 2))
        frozen = []
        for name in rng.sample(SCHEDULERS, rng.randint(1, 2)):
            if rng.random() < 0.5:
                house.kill(name)
            else:
                frozen.append(house.processes[name].pid)
                os.kill(frozen[-1], signal.SIGSTOP)
        house.kill(rng.choice(WORKERS))
        if frozen:
            pause(house, rng.uniform(0.5, 1.5 * LEADS_FOR_S))
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    work.check()
    _end(house, plain)


def the_leader_dies_and_the_deputy_takes_over(house: House, rng: Random) -> None:
    """SIGKILL of the leader, which does not come back; a worker dies with it."""
    leader, deputy = _two(house)
    work = Work(house, rng, mails=False)
    pause(house, rng.uniform(0, 1))
    house.kill(rng.choice(WORKERS))
    house.kill(leader, keep=False)
    house.until(lambda: leader_of(house) == deputy, within_s=TAKEN_OVER_S)
    work.check()
    house.dismiss(deputy)
    house.keep("scheduler")


def the_leader_is_suspended_for_longer_than_its_lease(house: House, rng: Random) -> None:
    """SIGSTOP, another one leads, SIGCONT: what comes back leads no more and takes nothing."""
    leader, deputy = _two(house)
    plain = house.ask("plain")
    work = Work(house, rng)
    pause(house, rng.uniform(0, 1))
    frozen = house.processes[leader].pid
    os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()
    if rng.random() < 0.5:
        house.kill(rng.choice(WORKERS))
    house.until(lambda: leader_of(house) == deputy, within_s=TAKEN_OVER_S + LEADS_FOR_S)
    pause(house, max(0.0, rng.uniform(1, 2) * LEADS_FOR_S - (time.monotonic() - began)))
    os.kill(frozen, signal.SIGCONT)
    work.check()
    _end(house, plain)


def leader_of(house: House) -> str | None:
    """Name the scheduler that leads."""
    found = house.rows("SELECT holder FROM core_lease WHERE name = ?", "scheduler")
    held_by = [str(row["holder"]).split(":")[1] for row in found if row["holder"]]
    names = {str(house.processes[name].pid): name for name in SCHEDULERS}
    return names.get(held_by[0]) if held_by else None


def _two(house: House) -> tuple[str, str]:
    """Keep two schedulers; give the one that leads, and the other one."""
    house.keep(*SCHEDULERS)
    house.until(lambda: leader_of(house))
    leader = leader_of(house)
    assert leader is not None
    (deputy,) = set(SCHEDULERS) - {leader}
    return leader, deputy


def _end(house: House, plain: str) -> None:
    """See that the plain job, whose thread lives all the time, was not given up."""
    books.check_plain(house, plain)
    house.dismiss("deputy")
