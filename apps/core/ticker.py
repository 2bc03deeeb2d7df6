"""Counts always, and writes the row at most once per FLUSH_SECONDS.

The row in memory is the state; each write is fenced by the attempt's epoch and brings back what
people have asked for meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from operator import attrgetter
from time import monotonic
from typing import Any

from django.db import Error, IntegrityError
from django.utils import timezone

from apps.core.conf import conf
from apps.core.errors import LeaseLost
from apps.core.loop import Loop
from apps.core.models import SSEProgress
from apps.core.pulse import pulse
from apps.core.rate import RateMeter
from apps.core.signals import job_changed
from apps.core.statuses import Status

#: What a worker writes of its job.
FIELDS = (
    "total_items",
    "processed_items",
    "failed_items",
    "skipped_items",
    "in_doubt_items",
    "warning_count",
    "cursor",
    "stage",
    "message",
    "message_params",
    "result",
    "rate",
)

#: The values of FIELDS at one moment. The dicts among them are replaced, never changed.
Values = tuple[Any, ...]
_values_of = attrgetter(*FIELDS)


class Ticker:
    """One attempt's pen for its job's row. `lock` is taken before any transaction of the job's."""

    def __init__(self, job: SSEProgress) -> None:
        self.job = job
        self.lock = threading.RLock()
        #: The loop under way, whose passed items are entered at each write.
        self.loop: Loop | None = None
        #: Set by the pulse, and when somebody has asked for something: the actor's thread looks
        #: up at its next item. Without a pulse it looks up at each.
        self.due = not conf.PULSE
        self._meter = RateMeter()
        self._meter.push(job.processed_items, monotonic())
        #: What the row holds, as far as this attempt knows.
        self._written: Values | None = _values_of(job)
        self._rows = SSEProgress.objects.all()
        self._dirty = False
        self._over = False
        self._lost = False
        #: A transaction is open that will end with a write of its own. Another one before would
        #: lock the row for as long as an item takes: the pulse and whoever cancels would wait.
        self.held = False
        #: A write has failed, and may have reached the database all the same (the connection died
        #: at the commit): nothing may be written over what the row then holds.
        self.unsure = False
        self._next_flush = 0.0
        self._next_event = 0.0
        self._next_measure = 0.0
        self._next_renewal = self._renewal()

    def open(self) -> None:
        """Let the pulse keep the lease from now on."""
        pulse.join(self)

    def close(self) -> None:
        """Write no more."""
        self._over = True

    def tick(self) -> None:
        """Note that something changed, and write it when the time has come."""
        self._dirty = True
        if monotonic() >= self._next_flush:
            self.flush()

    def flush(self, kind: str = "progress", *, urgent: bool = False) -> None:
        """Write everything now and tell the world.

        Raises:
            LeaseLost: when the job has been given to somebody else.
        """
        with self.lock:
            self.write()
            self.announce(kind, urgent=urgent)

    def announce(self, kind: str = "progress", *, urgent: bool = False) -> None:
        """Tell the world what was written, at most once per FLUSH_SECONDS unless urgent."""
        now = monotonic()
        if kind == "progress" and not urgent and now < self._next_event:
            self._dirty = True
            return
        self._next_event = now + conf.FLUSH_SECONDS
        self.job.updated_at = timezone.now()  # as the row says by the database's clock
        job_changed.send(SSEProgress, job=self.job, kind=kind, urgent=urgent)

    def write(self) -> None:
        """Write everything now, as part of the transaction that may be open, unless it is held.

        Raises:
            LeaseLost: when the job has been given to somebody else.
        """
        job, now = self.job, monotonic()
        if self._lost or self.unsure:
            raise LeaseLost(job.job_id, job.epoch)
        self.fold()
        if self.held:
            self._dirty = True
            return
        if now >= self._next_measure:
            self._next_measure = now + conf.FLUSH_SECONDS
            self._meter.push(job.processed_items, now)
            job.rate = self._meter.rate
        values = _values_of(job)
        changed = self._changed(values)
        self._dirty = False
        self._next_flush = now + conf.FLUSH_SECONDS
        renew = now >= self._next_renewal
        try:
            written = self._rows.write(job.job_id, job.epoch, renew=renew, **changed)
        except Error:
            self.unsure = True
            raise
        if written is None:
            self._lost = True
            raise LeaseLost(job.job_id, job.epoch)
        self._written = values
        job.status, job.seq = written
        self.due = self.due or job.status != Status.RUNNING
        if renew:
            self._next_renewal = self._renewal()
            self._tell_renewed()

    def fold(self) -> None:
        """Enter the items that the loop has passed."""
        if self.loop is not None:
            self.loop.fold(self.job)

    def values(self) -> dict[str, Any]:
        """Give all that a worker writes, by name."""
        self.fold()
        return dict(zip(FIELDS, _values_of(self.job), strict=True))

    def changes(self) -> dict[str, Any]:
        """Give what there is to write and the row does not hold yet."""
        self.fold()
        return self._changed(_values_of(self.job))

    def _changed(self, values: Values) -> dict[str, Any]:
        if self._written is None:
            return dict(zip(FIELDS, values, strict=True))
        each = zip(FIELDS, values, self._written, strict=True)
        return {name: value for name, value, written in each if value != written}

    def remember(self) -> Values:
        """Keep the counts and all else as they are, for `restore`."""
        self.fold()
        values: Values = _values_of(self.job)
        return values

    def restore(self, before: Values) -> None:
        """Take the counts back to where they were."""
        for name, value in zip(FIELDS, before, strict=True):
            setattr(self.job, name, value)
        self._written = None

    @contextmanager
    def unless_it_fails(self) -> Iterator[None]:
        """Take the counts back to where they were if the block raises."""
        before = self.remember()
        try:
            yield
        except BaseException as error:
            # A constraint that does not hold is an answer.
            failed = isinstance(error, Error) and not isinstance(error, IntegrityError)
            self.unsure = self.unsure or failed
            self.restore(before)
            raise

    def beat(self) -> bool:
        """Keep the lease while an item takes long, and write what the last tick held back."""
        if self._over or self._lost or self.unsure:
            return False
        now = monotonic()
        if now >= self._next_renewal:
            self._next_renewal = self._renewal()
            # Without the lock: the actor may hold it for the length of a long item.
            if not SSEProgress.objects.renew(self.job.job_id, self.job.epoch):
                self._lost = True
                return False
            self._tell_renewed()
        # Whatever the actor's thread has not looked up for since the last beat, the pulse writes.
        overdue, self.due = self.due or self._dirty, True
        if overdue and now >= self._next_flush and self.lock.acquire(blocking=False):
            try:
                if not (self._over or self.unsure):
                    self.flush()
            except LeaseLost:
                return False
            finally:
                self.lock.release()
        return True

    def looked_up(self) -> bool:
        """Answer the pulse's call; True when there is something to write and the time has come."""
        self.due = not conf.PULSE
        return monotonic() >= self._next_flush

    def _tell_renewed(self) -> None:
        """Keep the end of the lease beside the row's, or events would call a live worker dead."""
        self.job.lease_until = timezone.now() + timedelta(seconds=conf.LEASE_SECONDS)

    @staticmethod
    def _renewal() -> float:
        return monotonic() + float(conf.LEASE_SECONDS) / 4
