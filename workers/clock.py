"""What keeps the schedule going when somebody sets this machine's clock.

APScheduler plans by wall-clock time. Put back by an hour, it would stand still for that hour; put
forward by a year, as a machine without a battery does once it reaches a time server, it would
count every tick of that year before it ran one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic, time

from apscheduler.triggers.base import BaseTrigger

#: Time servers correct a clock by less than this between two looks, by letting it run faster.
STEP_SECONDS = 0.5


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler is untyped
    """Fires so many seconds after the last time, whatever the clock said then."""

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Give the time from now on, so that nothing has to be caught up with."""
        return now + self._interval


class StepWatch:
    """Notices that the wall clock was set, by the one that nobody can set."""

    def __init__(self) -> None:
        self._offset = time() - monotonic()

    def stepped(self) -> bool:
        """Tell whether the clock was set since this was last asked."""
        before, self._offset = self._offset, time() - monotonic()
        return abs(self._offset - before) > STEP_SECONDS
