"""What the scheduler runs, and how often: data only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.core.retention import prune, remove_artefacts
from workers.upkeep import ring_again, settle_stale_jobs


@dataclass(frozen=True, kw_only=True)
class Periodic:
    """A function that is run every so many seconds, or at the times of a crontab line.

    An interval begins with the process. What runs once a day therefore needs a crontab, or a
    process that is replaced every day would never get to it; it runs at the start too.
    """

    name: str
    run: Callable[[], object]
    every_seconds: float = 0.0
    #: "minute hour day month weekday" in the site's time zone.
    crontab: str = ""


SCHEDULE = (
    Periodic(name="settle-stale-jobs", run=settle_stale_jobs, every_seconds=0.5),
    Periodic(name="ring-again", run=ring_again, every_seconds=2),
    Periodic(name="remove-artefacts", run=remove_artefacts, crontab="7 * * * *"),
    Periodic(name="prune", run=prune, crontab="17 3 * * *"),
)
