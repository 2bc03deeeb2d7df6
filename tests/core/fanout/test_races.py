"""Workers, people and sums at the same time, on real databases."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User

from apps.core import fanout
from apps.core.errors import ItemFailed, NotPossibleNowError
from apps.core.models import SSEProgress
from apps.core.statuses import TERMINAL, Status
from apps.core.verbs import cancel, pause, resume, retry
from tests.core.fanout.bench import bench, counts, fresh, parts_of, shared_out, statuses, work
from tests.core.fanout.crew import Crew, books_hold, ends

pytestmark = pytest.mark.django_db(transaction=True)

Events = list[tuple[str, str, dict[str, Any]]]


@pytest.mark.usefixtures("shared")
def test_the_books_hold_at_every_moment_and_exactly_one_ends_the_whole(
    alice: User, events: Events, settings: Any
) -> None:
    settings.PROGRESS_FLUSH_SECONDS = 0.01
    job = shared_out(alice, number=8, size=8)
    bench.broken = {n: ItemFailed("no") for n in range(3, 64, 17)}
    bench.before_item = lambda n: time.sleep(random.uniform(0, 0.004))
    seen: list[dict[str, Any]] = []
    over = threading.Event()

    def poll() -> None:
        while not over.is_set():
            books_hold(job, seen)
            time.sleep(0.002)

    crew, poller = Crew(), Crew()
    poller.start(poll)
    todo = parts_of(job)
    for n in range(4):
        crew.start(lambda mine: [work(part) for part in mine], todo[n::4])
    crew.join()
    over.set()
    poller.join()

    ended = fresh(job)
    assert ended.status == Status.COMPLETED
    assert (ended.processed_items, ended.failed_items) == (64, 4)
    assert len({each["processed"] for each in seen}) > 5
    assert ends(job, events) == ["completed"]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("seed", range(4))
def test_parts_that_end_at_the_same_moment_end_the_whole_once(
    alice: User, events: Events, seed: int
) -> None:
    number = 6
    job = shared_out(alice, number=number, size=1)
    together = threading.Barrier(number)
    bench.before_item = lambda n: (together.wait(), None)[1]

    crew = Crew()
    for part in parts_of(job):
        crew.start(work, part)
    crew.join()

    assert fresh(job).status == Status.COMPLETED
    assert counts(fresh(job))["done"] == number
    assert ends(job, events) == ["completed"]


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("seed", range(6))
def test_people_and_workers_at_the_same_time_leave_no_part_behind(
    alice: User, settings: Any, seed: int
) -> None:
    chance = random.Random(seed)
    settings.PROGRESS_FLUSH_SECONDS = 0.01
    job = shared_out(alice, number=6, size=3)
    bench.before_item = lambda n: time.sleep(random.uniform(0, 0.003))
    ended = threading.Event()

    def worker() -> None:
        """Take up parts as messages would come: doubled, in any order, as long as it takes."""
        while not ended.is_set():
            for part in random.sample(parts_of(job), 6):
                work(part)

    def people() -> None:
        for verb in (pause, resume, pause, resume, cancel, retry):
            time.sleep(chance.uniform(0, 0.02))
            try:
                verb(fresh(job))
            except NotPossibleNowError:
                continue

    def finisher() -> None:
        """Ask for the end of what was left paused or cancelled, until there is none."""
        people()
        deadline = time.monotonic() + 50
        while not is_done(row := fresh(job)) and time.monotonic() < deadline:
            # Refused or not, the scheduler comes by, and has parts follow the whole.
            with suppress(NotPossibleNowError):
                if row.status == Status.PAUSED:
                    resume(row)
                elif row.status in TERMINAL:
                    retry(row)
            fanout.tend(fresh(job))
            time.sleep(0.005)
        ended.set()

    def is_done(row: SSEProgress) -> bool:
        """Completed; or cancelled behind its last item, when nothing is left to try again."""
        return row.status == Status.COMPLETED or (
            row.status == Status.CANCELLED and row.processed_items == row.total_items
        )

    crew = Crew()
    for _ in range(3):
        crew.start(worker)
    crew.start(finisher)
    crew.join()

    assert is_done(fresh(job))
    assert set(statuses(job)) <= {Status.COMPLETED, fresh(job).status}
    assert counts(fresh(job))["done"] == 18
    assert sorted(bench.done) == list(range(1, 19))


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("seed", range(4))
def test_a_cancel_while_parts_are_taken_up_misses_none(alice: User, seed: int) -> None:
    job = shared_out(alice, number=8, size=50)
    bench.before_item = lambda n: time.sleep(0.002)
    together = threading.Barrier(5)

    def worker(mine: list[SSEProgress]) -> None:
        together.wait()
        for part in mine:
            work(part)

    def canceller() -> None:
        together.wait()
        time.sleep(0.003 * seed)
        cancel(fresh(job))

    crew = Crew()
    todo = parts_of(job)
    for n in range(4):
        crew.start(worker, todo[n::4])
    crew.start(canceller)
    crew.join()

    assert fresh(job).status == Status.CANCELLED
    assert set(statuses(job)) == {Status.CANCELLED}
    assert counts(fresh(job))["done"] == len(bench.done) < 400
