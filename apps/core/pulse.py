"""One background thread per process that keeps promises while an item takes long.

It renews leases and sends what was held back. It runs only while something needs it.
"""

from __future__ import annotations

import logging
import os
import threading
from time import monotonic
from typing import Any, Protocol

from django.core.signals import request_finished
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.db.models.functions import Now

from apps.core.conf import conf
from apps.core.models import SSEProgress
from apps.core.models.queryset import plain_lease_end
from apps.core.signals import job_changed
from apps.core.statuses import LEASED, TERMINAL

#: With FLUSH_SECONDS at 0 the thread would spin.
SHORTEST_BEAT_SECONDS = 0.01

logger = logging.getLogger(__name__)


class Member(Protocol):
    """What the pulse keeps going."""

    def beat(self) -> bool:
        """Do what is due; False to be left alone from now on."""
        ...


class Pulse:
    """Beats for its members every FLUSH_SECONDS, in a daemon thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: set[Member] = set()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._tick = threading.Event()

    def join(self, member: Member) -> None:
        """Keep `member` going until its beat answers False; nothing happens when PULSE is off."""
        if not conf.PULSE:
            return
        with self._lock:
            if self._pid != os.getpid():  # threads don't survive a fork
                self._members, self._thread, self._pid = set(), None, os.getpid()
            self._members.add(member)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="heron-pulse", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        try:
            while self._beat_all():
                self._tick.wait(max(conf.FLUSH_SECONDS, SHORTEST_BEAT_SECONDS))
        finally:
            connections.close_all()

    def _beat_all(self) -> bool:
        close_old_connections()
        with self._lock:
            members, self._members = self._members, set()
        for member in members:
            try:
                alive = member.beat()
            except (DatabaseError, InterfaceError) as error:
                # A database that restarts must not end the pulse: the next beat tries again.
                logger.warning("the pulse missed a beat: %s", error)
                connections.close_all()
                alive = True
            except Exception:
                # One member's trouble must not end the others.
                logger.exception("the pulse leaves %s alone", type(member).__name__)
                alive = False
            if alive:
                with self._lock:
                    self._members.add(member)
        # A member that joined again during its own last beat is still there.
        with self._lock:
            if not self._members:
                self._thread = None
                return False
        return True


pulse = Pulse()


class PlainLife:
    """Renews the lease of a plain job for as long as the thread that works on it lives."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._thread = threading.current_thread()
        self._ended = False
        self._next_renewal = self._renewal()

    def end(self) -> None:
        """Stop vouching for the job."""
        self._ended = True

    def beat(self) -> bool:
        """Renew the lease a few times per lease, unless the job or its thread is over."""
        if self._ended or not self._thread.is_alive():
            return False
        if monotonic() < self._next_renewal:
            return True
        self._next_renewal = self._renewal()
        alive = SSEProgress.objects.filter(job_id=self._job_id, status__in=LEASED)
        return bool(alive.update(lease_until=plain_lease_end(), updated_at=Now()))

    @staticmethod
    def _renewal() -> float:
        return monotonic() + float(conf.LEASE_SECONDS) / 4


_lives = threading.local()


def lives_of_this_thread() -> dict[str, PlainLife]:
    """Give the plain jobs that the current thread vouches for, by job id."""
    if not hasattr(_lives, "jobs"):
        _lives.jobs = {}
    jobs: dict[str, PlainLife] = _lives.jobs
    return jobs


def _on_job_changed(sender: object, *, job: SSEProgress, **_: Any) -> None:
    if job.actor:
        return
    lives = lives_of_this_thread()
    if job.status in LEASED and job.job_id not in lives:
        lives[job.job_id] = life = PlainLife(job.job_id)
        pulse.join(life)
    elif job.status in TERMINAL and job.job_id in lives:
        lives.pop(job.job_id).end()


def _on_request_finished(**_: Any) -> None:
    """Vouch no longer for what a view has begun: a web server's threads may live for ever."""
    lives = lives_of_this_thread()
    while lives:
        lives.popitem()[1].end()


job_changed.connect(_on_job_changed, dispatch_uid="core.plain_lives")
request_finished.connect(_on_request_finished, dispatch_uid="core.plain_lives")
