"""The APScheduler process: `python -m workers.scheduler`.

Schedules are code and live in memory: APScheduler's shared job stores run each tick once per
process and pickle what they run. Every periodic function is idempotent, so that two schedulers do
no harm.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heron.settings")

logger = logging.getLogger(__name__)


def main() -> None:
    """Run the schedule until told to stop."""
    django.setup()
    from apscheduler.schedulers.background import BackgroundScheduler

    from workers.schedule import SCHEDULE

    scheduler = BackgroundScheduler(
        job_defaults={
            # A late tick still runs, once: APScheduler's default drops it after one second.
            "misfire_grace_time": None,
            "coalesce": True,
            "max_instances": 1,
        }
    )
    for periodic in SCHEDULE:
        scheduler.add_job(
            _with_fresh_connections(periodic.run),
            "interval",
            seconds=periodic.every_seconds,
            id=periodic.name,
        )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _setter(stop))
    scheduler.start()
    logger.info("the scheduler runs %s", ", ".join(p.name for p in SCHEDULE))
    notify("READY=1")
    while not stop.wait(_watchdog_seconds()):
        # Only while APScheduler's own thread lives: systemd replaces a process that hangs.
        if scheduler.running and scheduler._thread.is_alive():
            notify("WATCHDOG=1")
    notify("STOPPING=1")
    scheduler.shutdown(wait=True)


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


def _with_fresh_connections(run: Callable[[], object]) -> Callable[[], None]:
    from django.db import close_old_connections

    def wrapped() -> None:
        close_old_connections()
        try:
            run()
        finally:
            close_old_connections()

    return wrapped


def _setter(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    return on_signal


if __name__ == "__main__":
    main()
