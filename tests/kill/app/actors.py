"""One actor with exact effects, and one whose effects can't be called back."""

from __future__ import annotations

import os
import time
from pathlib import Path

from apps.core.actors import progress_actor
from apps.core.errors import ItemFailed, ItemSkipped
from apps.core.tracker import ProgressTracker
from tests.kill.app.failpoints import failpoint
from tests.kill.app.fates import FAILS, SKIPS
from tests.kill.app.models import Effect, Item


@progress_actor(task_type="exact", queue_name="kill", unit=("item", "items"), budget=None)
def exact(progress: ProgressTracker, items: int, seconds: float) -> None:
    """Insert a row for each item, exactly once."""
    for item in progress.track(Item.objects.filter(pk__lte=items)):
        failpoint("exact.between")
        with progress.item(item, ref=f"item {item.pk}"):
            time.sleep(seconds)
            if item.pk % SKIPS == 0:
                raise ItemSkipped("Not needed")
            Effect.objects.create(job=progress.job_id, item=str(item.pk))
            failpoint("exact.inside")
            if item.pk % FAILS == 0:
                raise ItemFailed("No good")


@progress_actor(task_type="outside", queue_name="kill", unit=("item", "items"), budget=None)
def outside(progress: ProgressTracker, items: int, seconds: float) -> None:
    """Write a line outside of the database for each item: it can't be called back."""
    for number in progress.track(range(1, items + 1), key=str):
        failpoint("outside.between")
        with progress.item(number, ref=f"item {number}", irreversible=True):
            failpoint("outside.reserved")
            time.sleep(seconds)
            if number % FAILS == 0:
                raise ItemFailed("No good")
            note(progress.job_id, number)
            failpoint("outside.done")


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
