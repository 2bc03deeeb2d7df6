"""What the scheduler runs, and how often: data only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workers.upkeep import ring_again, settle_stale_jobs


@dataclass(frozen=True, kw_only=True)
class Periodic:
    """A function that is run every so many seconds."""

    name: str
    run: Callable[[], object]
    every_seconds: float


SCHEDULE = (
    Periodic(name="settle-stale-jobs", run=settle_stale_jobs, every_seconds=2),
    Periodic(name="ring-again", run=ring_again, every_seconds=2),
)
