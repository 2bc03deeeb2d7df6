"""Publish a job's state, and never let that fail or delay the job.

At most one event per job and FLUSH_SECONDS leaves; what is held back is sent when the pulse beats,
from the row as it then is. A courier carries the events. While Valkey is away only that a job owes
one is noted: states need no queue.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any

from django.db import transaction
from redis.exceptions import RedisError

from apps.core.conf import conf
from apps.core.live.breaker import breaker
from apps.core.live.channels import channels_of
from apps.core.live.courier import Courier, Letter
from apps.core.live.history import Outgoing
from apps.core.live.states import data_of
from apps.core.live.storage import append_all
from apps.core.live.valkey import is_configured
from apps.core.models import SSEProgress
from apps.core.pulse import pulse
from apps.core.signals import job_changed

#: Jobs that the pulse reads at once to send what they owe.
OWED_AT_ONCE = 500
#: A process that ends waits so long until its last events are sent.
LAST_WORDS_SECONDS = 1.0


class Publisher:
    """Sends events, each job's own at most once per FLUSH_SECONDS unless urgent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: When each job may send again, on the monotonic clock.
        self._next: dict[str, float] = {}
        #: The kind of the event that each job still owes.
        self._owed: dict[str, str] = {}
        self._courier = Courier(self.publish)

    def announce(self, job: SSEProgress, kind: str, *, urgent: bool) -> None:
        """Send an event now, or owe it to the pulse."""
        if not is_configured():
            return
        now = monotonic()
        with self._lock:
            early = not urgent and now < self._next.get(job.job_id, 0.0)
            # Without a pulse nobody else would try.
            if early or (breaker.is_open and conf.PULSE):
                self._owe(job.job_id, kind)
                return
        self._send(job, kind, now)

    def publish(self, letters: Sequence[Letter]) -> None:
        """Send events, each on all of its job's channels; owe what Valkey can't be told."""
        try:
            append_all([_event_of(letter) for letter in letters])
        except (RedisError, OSError):
            with self._lock:
                for job, kind in letters:
                    self._owe(job.job_id, kind)
            return
        with self._lock:
            for job, _kind in letters:
                if job.is_terminal:
                    self._next.pop(job.job_id, None)

    def beat(self) -> bool:
        """Send what is owed and due; False when nothing is owed any more."""
        now = monotonic()
        if breaker.is_open and not breaker.is_due:
            return True
        with self._lock:
            due = {
                job_id: kind
                for job_id, kind in self._owed.items()
                if now >= self._next.get(job_id, 0.0)
            }
        job_ids = list(due)
        for start in range(0, len(job_ids), OWED_AT_ONCE):
            some = job_ids[start : start + OWED_AT_ONCE]
            for job in SSEProgress.objects.filter(job_id__in=some):
                self._send(job, due.pop(job.job_id), now)
            with self._lock:
                for deleted in set(some) & set(due):
                    self._owed.pop(deleted, None)
            if breaker.is_open and not breaker.is_due:
                break
        with self._lock:
            return bool(self._owed)

    def flush(self, within_s: float) -> bool:
        """Wait until what was handed over is sent or owed; False when that takes longer."""
        return self._courier.flush(within_s)

    def _send(self, job: SSEProgress, kind: str, now: float) -> None:
        with self._lock:
            self._next[job.job_id] = now + conf.FLUSH_SECONDS
            self._owed.pop(job.job_id, None)
        if conf.PULSE:
            self._courier.take(job, kind)
        else:
            self.publish([Letter(job, kind)])

    def _owe(self, job_id: str, kind: str) -> None:
        # A warning must not be hidden by the progress that follows it within the same interval.
        if not (kind == "progress" and job_id in self._owed):
            self._owed[job_id] = kind
        pulse.join(self)


def _event_of(letter: Letter) -> Outgoing:
    job, kind = letter
    return Outgoing(channels_of(job), kind, data_of(job, kind), job.job_id)


publisher = Publisher()


def _on_job_changed(sender: object, *, job: SSEProgress, kind: str, urgent: bool, **_: Any) -> None:
    # After the commit: an event must not tell what a rollback takes back.
    transaction.on_commit(lambda: publisher.announce(job, kind, urgent=urgent), robust=True)


def connect() -> None:
    """Listen to the rows."""
    job_changed.connect(_on_job_changed, dispatch_uid="core.publisher")
    # A command's last word must not die with it. A worker's process ends otherwise: see workers.
    atexit.register(lambda: publisher.flush(LAST_WORDS_SECONDS))
