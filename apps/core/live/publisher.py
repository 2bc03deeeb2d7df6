"""Publish a job's state as django-eventstream events, and never let that fail the job.

At most one event per job and FLUSH_SECONDS leaves; what is held back is sent by the pulse, from
the row as it then is. While Valkey is away nothing is tried for PUBLISH_PAUSE_SECONDS at a time.
"""

from __future__ import annotations

import logging
import threading
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django_eventstream import send_event
from redis.exceptions import RedisError

from apps.core.conf import conf
from apps.core.live.channels import channels_of
from apps.core.models import SSEProgress
from apps.core.pulse import pulse
from apps.core.signals import job_changed
from apps.core.snapshot import snapshot

logger = logging.getLogger(__name__)


class Publisher:
    """Sends events, each job's own at most once per FLUSH_SECONDS unless urgent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: When each job may send again, on the monotonic clock.
        self._next: dict[str, float] = {}
        #: The kind of the event that each job still owes.
        self._owed: dict[str, str] = {}
        self._away_until = 0.0

    def announce(self, job: SSEProgress, kind: str, *, urgent: bool) -> None:
        """Send an event now, or owe it to the pulse."""
        now = monotonic()
        with self._lock:
            early = not urgent and now < self._next.get(job.job_id, 0.0)
            if early or now < self._away_until:
                self._owe(job.job_id, kind)
                return
            self._next[job.job_id] = now + conf.FLUSH_SECONDS
            self._owed.pop(job.job_id, None)
        if self.publish(job, kind):
            if job.is_terminal:
                self._forget(job.job_id)
        else:
            with self._lock:
                self._away_until = monotonic() + conf.PUBLISH_PAUSE_SECONDS
                self._owe(job.job_id, kind)

    def publish(self, job: SSEProgress, kind: str) -> bool:
        """Send one event on each of the job's channels; False when Valkey can't be reached."""
        with translation.override(job.language or settings.LANGUAGE_CODE):
            payload = snapshot(job, kind)
        try:
            for channel in channels_of(job):
                send_event(channel, kind, payload)
        except (RedisError, OSError) as error:
            logger.warning("events wait, Valkey can't be reached: %s", error)
            return False
        return True

    def beat(self) -> bool:
        """Send what is owed and due; False when nothing is owed any more."""
        now = monotonic()
        with self._lock:
            if now < self._away_until:
                return True
            due = {
                job_id: kind
                for job_id, kind in self._owed.items()
                if now >= self._next.get(job_id, 0.0)
            }
        for job in SSEProgress.objects.filter(job_id__in=list(due)):
            self.announce(job, due.pop(job.job_id), urgent=True)
        with self._lock:
            for deleted in due:
                self._owed.pop(deleted, None)
            return bool(self._owed)

    def _owe(self, job_id: str, kind: str) -> None:
        # A warning must not be hidden by the progress that follows it within the same interval.
        if not (kind == "progress" and job_id in self._owed):
            self._owed[job_id] = kind
        pulse.join(self)

    def _forget(self, job_id: str) -> None:
        with self._lock:
            self._next.pop(job_id, None)
            self._owed.pop(job_id, None)


publisher = Publisher()


def _on_job_changed(sender: object, *, job: SSEProgress, kind: str, urgent: bool, **_: Any) -> None:
    # After the commit: an event must not tell what a rollback takes back.
    transaction.on_commit(lambda: publisher.announce(job, kind, urgent=urgent), robust=True)


def connect() -> None:
    """Listen to the rows."""
    job_changed.connect(_on_job_changed, dispatch_uid="core.publisher")
