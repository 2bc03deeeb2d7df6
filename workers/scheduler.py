"""The APScheduler process: `python -m workers.scheduler`.

Safe to run several times: the leader alone runs the schedule, the others stand by. Schedules are
code and live in memory, because APScheduler's shared job stores run each tick once per process and
pickle what they run. Every periodic function is idempotent all the same.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heron.settings")

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

    from workers.schedule import Periodic

logger = logging.getLogger(__name__)


def main() -> int:
    """Run the schedule whenever this process leads, until told to stop; give the exit status."""
    django.setup()
    from django.db import close_old_connections

    from apps.core.shutdown import stopping
    from workers.leader import RENEW_SECONDS, Leadership
    from workers.schedule import SCHEDULE

    leadership = Leadership()
    scheduler = build(SCHEDULE, lambda: leadership.leads)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _setter(stop, stopping))
    scheduler.start(paused=True)
    follow(scheduler, SCHEDULE, leads=leadership.campaign())
    notify("READY=1")
    if not leadership.leads:
        notify("STATUS=Stands by.")
    healthy = True
    while healthy and not stop.wait(min(RENEW_SECONDS, _watchdog_seconds())):
        close_old_connections()  # one that broke is replaced
        follow(scheduler, SCHEDULE, leads=leadership.campaign())
        keep_up(scheduler)
        healthy = scheduler._thread.is_alive()
        if healthy:
            notify("WATCHDOG=1")
    if not healthy:
        logger.error("the schedule's thread has died: this process ends, to be replaced")
    notify("STOPPING=1")
    scheduler.shutdown(wait=True)
    leadership.resign()
    return 0 if healthy else 1


def build(schedule: Sequence[Periodic], leads: Callable[[], bool]) -> BackgroundScheduler:
    """Make a scheduler that is still to be started; its ticks do nothing unless `leads()`."""
    from apscheduler.schedulers.background import BackgroundScheduler
    from apscheduler.triggers.cron import CronTrigger
    from django.conf import settings

    from workers.clock import Every

    # That a tick is still under way when the next one is due is no news: it does the same.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(
        timezone=settings.TIME_ZONE,
        job_defaults={
            # A late tick still runs, once: APScheduler's default drops it after one second.
            "misfire_grace_time": None,
            "coalesce": True,
            "max_instances": 1,
        },
    )
    for periodic in schedule:
        trigger = (
            CronTrigger.from_crontab(periodic.crontab, timezone=settings.TIME_ZONE)
            if periodic.crontab
            else Every(periodic.every_seconds)
        )
        scheduler.add_job(_tick(periodic.run, leads), trigger, id=periodic.name)
    return scheduler


def follow(scheduler: BackgroundScheduler, schedule: Sequence[Periodic], *, leads: bool) -> None:
    """Let a started scheduler go on or pause, as this process leads or not."""
    from apscheduler.schedulers.base import STATE_PAUSED, STATE_RUNNING

    if leads and scheduler.state == STATE_PAUSED:
        for periodic in schedule:
            if periodic.crontab:
                scheduler.modify_job(periodic.name, next_run_time=datetime.now(UTC))
        scheduler.resume()
        logger.info("this scheduler leads: %s", ", ".join(each.name for each in schedule))
        notify("STATUS=Leads.")
    elif not leads and scheduler.state == STATE_RUNNING:
        scheduler.pause()
        logger.warning("this scheduler has lost the lease and stands by")
        notify("STATUS=Stands by.")


def keep_up(scheduler: BackgroundScheduler) -> None:
    """Let every tick come when it should by the clock as it is now, whatever it was before."""
    from apscheduler.schedulers.base import STATE_RUNNING

    from workers.clock import is_too_late

    now = datetime.now(UTC)
    late = [job for job in scheduler.get_jobs() if is_too_late(job.next_run_time, job.trigger, now)]
    for job in late:
        job.reschedule(job.trigger)
    if late:
        logger.warning("this machine's clock was put back: the schedule is planned anew")
    if scheduler.state == STATE_RUNNING:
        # It may have gone to sleep for longer by a clock that has been set since.
        scheduler.wakeup()


def notify(state: str) -> None:
    """Tell systemd, when it asked to be told (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state.encode(), address)


def _watchdog_seconds() -> float:
    """Give half of the time that systemd waits for a sign; ten seconds when it does not."""
    microseconds = os.environ.get("WATCHDOG_USEC")
    return int(microseconds) / 2_000_000 if microseconds else 10.0


def _tick(run: Callable[[], object], leads: Callable[[], bool]) -> Callable[[], None]:
    from django.db import close_old_connections

    def tick() -> None:
        # A pause can come too late for a tick, and a process that was suspended wakes up here.
        if not leads():
            return
        close_old_connections()
        try:
            run()
        finally:
            close_old_connections()

    return tick


def _setter(*events: threading.Event) -> Callable[[int, FrameType | None], None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        for event in events:
            event.set()

    return on_signal


if __name__ == "__main__":
    sys.exit(main())
