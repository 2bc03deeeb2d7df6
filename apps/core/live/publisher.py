"""Publish a job's state, and never let that fail or delay the job.

At most one event per job and FLUSH_SECONDS leaves; what is held back is sent by the pulse, from
the row as it then is. While Valkey is away only that a job owes an event is noted: states need no
queue. Whether it is back is the pulse's to find out, so that no job waits for the attempt.
"""

from __future__ import annotations

import json
import logging
import threading
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import translation
from redis.exceptions import RedisError

from apps.core.conf import conf
from apps.core.live.breaker import breaker
from apps.core.live.channels import channels_of
from apps.core.live.storage import append
from apps.core.live.valkey import is_configured
from apps.core.models import SSEProgress
from apps.core.pulse import pulse
from apps.core.signals import job_changed
from apps.core.snapshot import snapshot

logger = logging.getLogger(__name__)

#: Jobs that the pulse reads at once to send what they owe.
OWED_AT_ONCE = 500


class Publisher:
    """Sends events, each job's own at most once per FLUSH_SECONDS unless urgent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: When each job may send again, on the monotonic clock.
        self._next: dict[str, float] = {}
        #: The kind of the event that each job still owes.
        self._owed: dict[str, str] = {}

    def announce(self, job: SSEProgress, kind: str, *, urgent: bool) -> None:
        """Send an event now, or owe it to the pulse."""
        now = monotonic()
        with self._lock:
            early = not urgent and now < self._next.get(job.job_id, 0.0)
            # Without a pulse nobody else would try.
            if early or (breaker.is_open and conf.PULSE):
                self._owe(job.job_id, kind)
                return
        self._send(job, kind, now)

    def publish(self, job: SSEProgress, kind: str) -> bool:
        """Send one event on all of the job's channels; False when Valkey can't be reached."""
        with translation.override(job.language or settings.LANGUAGE_CODE):
            data = json.dumps(snapshot(job, kind), cls=DjangoJSONEncoder)
        try:
            append(channels_of(job), kind, data, key=job.job_id)
        except (RedisError, OSError):
            return False
        return True

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
                if not self._send(job, due.pop(job.job_id), now):
                    return True
            with self._lock:
                for deleted in set(some) & set(due):
                    self._owed.pop(deleted, None)
        with self._lock:
            return bool(self._owed)

    def _send(self, job: SSEProgress, kind: str, now: float) -> bool:
        with self._lock:
            self._next[job.job_id] = now + conf.FLUSH_SECONDS
            self._owed.pop(job.job_id, None)
        sent = not is_configured() or self.publish(job, kind)
        with self._lock:
            if not sent:
                self._owe(job.job_id, kind)
            elif job.is_terminal:
                self._next.pop(job.job_id, None)
        return sent

    def _owe(self, job_id: str, kind: str) -> None:
        # A warning must not be hidden by the progress that follows it within the same interval.
        if not (kind == "progress" and job_id in self._owed):
            self._owed[job_id] = kind
        pulse.join(self)


publisher = Publisher()


def _on_job_changed(sender: object, *, job: SSEProgress, kind: str, urgent: bool, **_: Any) -> None:
    # After the commit: an event must not tell what a rollback takes back.
    transaction.on_commit(lambda: publisher.announce(job, kind, urgent=urgent), robust=True)


def connect() -> None:
    """Listen to the rows."""
    job_changed.connect(_on_job_changed, dispatch_uid="core.publisher")
