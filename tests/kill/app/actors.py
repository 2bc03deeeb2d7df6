"""Actors with exact effects and with effects that can not be called back, also shared out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apps.core.actors import progress_actor
from apps.core.errors import ItemFailed, ItemSkipped, JobPutOff
from apps.core.tracker import ProgressTracker
from tests.kill.app.failpoints import failpoint
from tests.kill.app.fates import FAILS, PART, SKIPS
from tests.kill.app.models import Effect, Item

UNIT = ("item", "items")
PUT_OFF_S = 2.0


@progress_actor(task_type="exact", queue_name="kill", unit=UNIT, budget=None)
def exact(progress: ProgressTracker, items: int, seconds: float, first: int = 1) -> None:
    """Insert a row for each item, exactly once."""
    for item in progress.track(Item.objects.filter(pk__range=(first, first + items - 1))):
        failpoint("exact.between")
        with progress.item(item, ref=f"item {item.pk}"):
            time.sleep(seconds)
            if item.pk % SKIPS == 0:
                raise ItemSkipped("Not needed")
            Effect.objects.create(job=progress.job_id, item=str(item.pk))
            failpoint("exact.inside")
            if item.pk % FAILS == 0:
                raise ItemFailed("No good")


@progress_actor(task_type="outside", queue_name="kill", unit=UNIT, budget=None)
def outside(progress: ProgressTracker, items: int, seconds: float, first: int = 1) -> None:
    """Write a line outside of the database for each item: it can't be called back."""
    for number in progress.track(range(first, first + items), key=str):
        failpoint("outside.between")
        with progress.item(number, ref=f"item {number}", irreversible=True):
            failpoint("outside.reserved")
            time.sleep(seconds)
            if number % FAILS == 0:
                raise ItemFailed("No good")
            note(progress.job_id, number)
            failpoint("outside.done")


@progress_actor(task_type="wide-exact", queue_name="kill", unit=UNIT, budget=None)
def wide_exact(progress: ProgressTracker, items: int, seconds: float) -> None:
    """Share `exact` out."""
    progress.fan_out(exact, shares(items, seconds))


@progress_actor(task_type="wide-outside", queue_name="kill", unit=UNIT, budget=None)
def wide_outside(progress: ProgressTracker, items: int, seconds: float) -> None:
    """Share `outside` out."""
    progress.fan_out(outside, shares(items, seconds))


def shares(items: int, seconds: float) -> Iterable[dict[str, Any]]:
    """Give each part its arguments."""
    for first in range(1, items + 1, PART):
        size = min(PART, items - first + 1)
        yield {"first": first, "items": size, "seconds": seconds, "total": size}


@progress_actor(task_type="put-off", queue_name="kill", unit=UNIT)
def put_off(progress: ProgressTracker, items: int, seconds: float) -> None:
    """Find out at the second item that nothing is possible now, and put the job off once."""
    stumbled = Path(os.environ["KILL_OUTSIDE"]) / f"stumbled-{progress.job_id}"
    for item in progress.track(Item.objects.filter(pk__lte=items)):
        if item.pk > 1 and not stumbled.exists():
            stumbled.touch()
            raise JobPutOff(PUT_OFF_S, "Not now")
        with progress.item(item):
            time.sleep(seconds)
            Effect.objects.create(job=progress.job_id, item=str(item.pk))


@progress_actor(task_type="holding", queue_name="kill")
def holding(progress: ProgressTracker, items: int, seconds: float) -> None:
    """Take long over an item after a word about it, which locks the job's row with the batch."""
    for item in progress.track(Item.objects.filter(pk__lte=items)):
        with progress.item(item):
            time.sleep(0.5)
            progress.message("At %(item)s", item=item.pk)
            time.sleep(seconds)
            Effect.objects.create(job=progress.job_id, item=str(item.pk))


def note(job_id: str, number: int) -> None:
    """Add a line to the outside world, and make sure that it stays."""
    file = os.open(Path(os.environ["KILL_OUTSIDE"]) / "world", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, f"{job_id} {number}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)
