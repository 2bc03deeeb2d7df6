"""Actors that share out and count, and what a test does to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dramatiq
import pytest
from django.contrib.auth.models import User
from dramatiq.brokers.stub import StubBroker

from apps.core.actors import progress_actor
from apps.core.budget import ErrorBudget
from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.tracker import ProgressTracker


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the attempt's own code runs after it."""


class Bench:
    """What the items of the tests' parts meet with."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.broken: dict[int, BaseException] = {}
        self.before_item: Callable[[int], None] = lambda n: None
        self.done: list[int] = []


bench = Bench()


@progress_actor(task_type="counting_part", queue_name="default", unit=("number", "numbers"))
def count_part(progress: ProgressTracker, first: int, last: int) -> None:
    """Count from one number to another."""
    numbers = range(first, last + 1)
    for n in progress.track(numbers, key=str):
        with progress.item(n, ref=f"No {n}", irreversible=True):
            bench.before_item(n)
            if n in bench.broken:
                raise bench.broken[n]
            bench.done.append(n)


@progress_actor(task_type="counting", queue_name="default", title="Counting")
def count_all(progress: ProgressTracker, number: int, size: int) -> None:
    """Count in parts."""
    progress.result("%(done)s of %(total)s counted")
    progress.fan_out(
        count_part,
        [
            {"first": size * part + 1, "last": size * (part + 1), "total": size}
            for part in range(number)
        ],
    )
    raise AssertionError("nothing behind fan_out() is run")


def shared_out(owner: User | None, number: int = 3, size: int = 4) -> SSEProgress:
    """Give a job that its parts go on with."""
    job = count_all.start_for(owner, number=number, size=size)
    run(job.job_id, count_all.fn)
    return fresh(job)


def fresh(job: SSEProgress) -> SSEProgress:
    return SSEProgress.objects.get(pk=job.pk)


def parts_of(job: SSEProgress) -> list[SSEProgress]:
    return list(job.parts.order_by("part"))


def work(part: SSEProgress, budget: ErrorBudget | None = None) -> SSEProgress:
    run(part.job_id, count_part.fn, budget)
    return fresh(part)


def work_all(job: SSEProgress) -> SSEProgress:
    for part in parts_of(job):
        work(part)
    return fresh(job)


def counts(job: SSEProgress) -> dict[str, int | None]:
    return job.books.counts()


def statuses(job: SSEProgress) -> list[str]:
    return [part.status for part in parts_of(job)]


def rung(broker: StubBroker) -> list[str]:
    """Take the messages and give the jobs they are about."""
    queue = broker.queues["default"]
    found = []
    while not queue.empty():
        found.append(dramatiq.Message.decode(queue.get()).options["progress_id"])
    return found


def at_item(n: int, act: Callable[[], object]) -> None:
    def before(number: int) -> None:
        if number == n:
            act()

    bench.before_item = before


def die() -> None:
    raise Killed


@contextmanager
def killed_mid_item(n: int) -> Iterator[None]:
    at_item(n, die)
    with pytest.raises(Killed):
        yield
    bench.before_item = lambda number: None
