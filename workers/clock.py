"""What keeps the schedule going when somebody sets this machine's clock.

APScheduler plans by wall-clock time. Put back by an hour, it would stand still for that hour; put
forward by a year, as a machine without a battery does once it reaches a time server, it would
count every tick of that year before it ran one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

#: Time servers put a clock back by less than this between two looks, by letting it run slower.
SLACK_SECONDS = 0.5


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler is untyped
    """Fires so many seconds after the last time, whatever the clock said then."""

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Give the time from now on, so that nothing has to be caught up with."""
        return now + self._interval


def is_too_late(planned: datetime, trigger: BaseTrigger, now: datetime) -> bool:
    """Tell whether a tick is planned for later than it would be if it were planned now.

    Asked of the plan, and not of the clock: one that was put forward and back again between two
    looks is as it was, and the plan that was made in between is not.
    """
    expected: datetime = trigger.get_next_fire_time(None, now)
    return planned > expected + timedelta(seconds=SLACK_SECONDS)
