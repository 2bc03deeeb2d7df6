"""Jobs for real worker processes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import dramatiq

from apps.core.actors import progress_actor
from apps.core.tracker import ProgressTracker


@progress_actor(task_type="walk", queue_name="slow", title="Walking", unit=("step", "steps"))
def walk(progress: ProgressTracker, steps: int, seconds: float, diary: str) -> None:
    """Take steps, each of which takes a while and is noted with the process that took it."""
    for step in progress.track(range(steps)):
        with progress.item(step, irreversible=True):
            time.sleep(seconds)
            note(diary, f"{step} {os.getpid()}")


@progress_actor(task_type="stretch", queue_name="slow", unit=("step", "steps"))
def stretch(progress: ProgressTracker, first: int, last: int, seconds: float, diary: str) -> None:
    """Take the steps from one number up to another, as `walk` does."""
    for step in progress.track(range(first, last), key=str):
        with progress.item(step, ref=str(step), irreversible=True):
            time.sleep(seconds)
            note(diary, f"{step} {os.getpid()}")


@progress_actor(task_type="relay", queue_name="slow", title="Walking together")
def relay(progress: ProgressTracker, parts: int, steps: int, seconds: float, diary: str) -> None:
    """Walk in parts, each of so many steps."""
    progress.fan_out(
        stretch,
        [
            {"first": n * steps, "last": (n + 1) * steps, "seconds": seconds, "diary": diary}
            | {"total": steps}
            for n in range(parts)
        ],
    )


@progress_actor(task_type="hop", queue_name="short", title="Hopping")
def hop(progress: ProgressTracker, diary: str) -> None:
    """Note one thing."""
    note(diary, "hop")


@progress_actor(task_type="nothing", queue_name="short")
def nothing(progress: ProgressTracker) -> None:
    """Do nothing."""


@dramatiq.actor(queue_name="short")
def mark(text: str) -> None:
    """Note something, without any progress, in the queue of those with."""
    note(os.environ["BENCH_DIARY"], text)


@dramatiq.actor(queue_name="plain")
def plain(text: str) -> None:
    """Note something, without any progress."""
    note(os.environ["BENCH_DIARY"], text)


@dramatiq.actor(queue_name="plain")
def quiet() -> None:
    """Do nothing, without any progress."""


def note(diary: str, text: str) -> None:
    """Add a line in one write, so that two processes' lines don't mix; the time is taken first."""
    now = time.time()
    with Path(diary).open("a") as file:
        file.write(f"{now} {text}\n")
