"""One big job over many workers: its row sums up its parts, and ends when the last of them has.

Nobody holds a lease of such a job. Whoever writes a part brings the sums up to date, at most once
per FLUSH_SECONDS over all processes, so that many parts don't queue up for one row. The one that
ends the last part ends the whole; should it die in between, the scheduler does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext_noop

from apps.core import parts
from apps.core.clock import FromNow
from apps.core.conf import conf
from apps.core.models import SSEProgress
from apps.core.models.models_sse_progress import unbalanced
from apps.core.parts import RESTING, PartActor
from apps.core.pulse import pulse
from apps.core.signals import job_changed
from apps.core.statuses import LEASED, TERMINAL, Status
from apps.core.sums import Sums, lock
from apps.core.texts import render

logger = logging.getLogger(__name__)

#: Kinds of event that tell of an end; the others are no end.
KINDS: dict[str, str] = {**dict.fromkeys(TERMINAL, "error"), Status.COMPLETED: "complete"}


def share_out(job: SSEProgress, actor: PartActor, chunks: Iterable[Mapping[str, Any]]) -> bool:
    """Make a running job one that its parts do; False when this attempt holds it no more.

    All or nothing: an attempt that dies in here leaves no parts behind. The new epoch keeps this
    attempt, whose pulse still beats, from renewing a lease that nobody holds.
    """
    guarded = SSEProgress.objects.filter(
        job_id=job.job_id, epoch=job.epoch, status=Status.RUNNING, fanned_out=False
    )
    with transaction.atomic():
        handed_over = guarded.update(
            fanned_out=True,
            cursor={},
            epoch=F("epoch") + 1,
            worker="",
            lease_until=None,
            seq=F("seq") + 1,
            updated_at=Now(),
        )
        if handed_over:
            parts.create(job, actor, chunks)
            sum_up(SSEProgress.objects.get(job_id=job.job_id))
    return bool(handed_over)


def settle(job_id: str, where: Q | None = None) -> SSEProgress | None:
    """Bring a job's sums up to date, and end it if its parts have; None if it is not live.

    May be called by anybody at any time: the row is locked, and the sums are read after that.
    """
    guard = Q(status__in=LEASED)
    if where is not None:
        guard &= where
        # Looked at first: on SQLite the transaction alone would keep everybody else waiting.
        if not SSEProgress.objects.filter(guard, job_id=job_id).exists():
            return None
    with transaction.atomic():
        job = lock(job_id, guard)
        return None if job is None else sum_up(job)


def tend(job: SSEProgress) -> bool:
    """Settle a live job if its parts have moved on without it; tell whether it came to rest."""
    sums = Sums.of(job)
    if sums.outcome(job.status) is None and not sums.paused and not sums.differ_from(job):
        return False
    row = settle(job.job_id, _not_too_early())
    return row is not None and row.status in RESTING


# What people ask for. All is called in the transaction that has moved the whole job. -------------


def obey(job: SSEProgress) -> SSEProgress:
    """Let the parts follow a pause or a cancel of the whole."""
    parts.obey(job)
    return sum_up(job)


def resume(job: SSEProgress) -> SSEProgress:
    """Let the parts go on, with the items that somebody has decided to have done again."""
    parts.wake(job, Q(status=Status.PAUSED) | Q(status=Status.COMPLETED) & parts.UNFINISHED)
    return _run(job)


def start_again(job: SSEProgress) -> SSEProgress:
    """Put the parts of a job that is over back in the queue, those that are not done."""
    parts.wake(job, parts.UNFINISHED, attempts=0, result={})
    return _run(job)


def take_up_failed(job: SSEProgress) -> None:
    """Take the failed items of a job that is over out of its parts' counts, to be done first."""
    if lock(job.job_id, Q(status__in=TERMINAL)) is not None:
        parts.take_up_failed(job)


def _run(job: SSEProgress) -> SSEProgress:
    row = SSEProgress.objects.move(job.job_id, Status.RUNNING, lease_until=None)
    return sum_up(row or job)


# Sums and ends -----------------------------------------------------------------------------------


def sum_up(job: SSEProgress) -> SSEProgress:
    """Write the sums into a locked row, and move it to where its parts have brought it."""
    sums = Sums.of(job)
    if job.status == Status.RUNNING and sums.paused:
        # Too many items of a part failed, and what is wrong with it is wrong with the others.
        reason = parts.of(job).filter(status=Status.PAUSED).exclude(error={}).first()
        error = reason.error if reason else {}
        job = SSEProgress.objects.move(job.job_id, Status.PAUSING, error=error) or job
        parts.obey(job)
        sums = Sums.of(job)
    values = sums.values(job)
    target = sums.outcome(job.status) if job.status in LEASED else None
    if target is None:
        SSEProgress.objects.filter(job_id=job.job_id).update(**values)
        row = SSEProgress.objects.get(job_id=job.job_id)
    else:
        if target == Status.FAILED:
            values["error"] = _failure(job, sums)
        elif target == Status.COMPLETED:
            values["message"] = ""
        row = SSEProgress.objects.move(job.job_id, target, **values) or job
    kind = KINDS.get(row.status, "progress")
    job_changed.send(SSEProgress, job=row, kind=kind, urgent=target is not None)
    return row


def _failure(job: SSEProgress, sums: Sums) -> dict[str, Any]:
    """Say how many parts failed, and why the first one did."""
    ended_badly = parts.of(job).filter(status__in=TERMINAL).exclude(status=Status.COMPLETED)
    first = ended_badly.order_by("part").first()
    if first is None:
        return unbalanced(sums.books)
    with translation.override(job.language or None):
        words = render(first.error.get("message", ""), first.error.get("params"))
    return {
        "code": "parts",
        "message": gettext_noop(
            "Parts of this job that failed: %(failed)s of %(parts)s. The first one: %(words)s"
        ),
        "params": {
            "failed": sums.failed + sums.cancelled,
            "parts": sums.failed + sums.cancelled + sums.completed,
            "words": words or first.get_status_display(),
        },
        "hint": gettext_noop("What is done is kept. Try again: only the rest is taken up."),
    }


def _not_too_early() -> Q:
    """Leave alone a row that was written less than FLUSH_SECONDS ago, by any process.

    One that was written in the future is old too: the database's clock was put back.
    """
    interval = conf.FLUSH_SECONDS
    return Q(updated_at__lte=FromNow(-interval)) | Q(updated_at__gt=FromNow(interval))


class Summing:
    """Sums up the jobs whose parts this process writes.

    In the pulse's thread, so that no item waits for it; only a part that has come to rest sums up
    by itself, and at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Jobs of which a part was written since they were summed up.
        self._owed: set[str] = set()

    def part_changed(self, part: SSEProgress) -> None:
        """Sum up the job that `part` is of, now or soon."""
        job_id = str(part.parent_id)
        if part.status not in RESTING:
            self._owe(job_id)
            if not conf.PULSE:
                self.beat()
            return
        try:
            settle(job_id)
        except DatabaseError:
            self._owe(job_id)
            raise

    def beat(self) -> bool:
        """Sum up what is owed, as far as it is not too early."""
        with self._lock:
            owed, self._owed = self._owed, set()
        live = SSEProgress.objects.filter(job_id__in=owed, status__in=LEASED)
        try:
            for job_id in live.values_list("job_id", flat=True):
                if settle(job_id, _not_too_early()) is not None:
                    owed.discard(job_id)
                else:
                    self._owe(job_id)
        except DatabaseError:
            for job_id in owed:
                self._owe(job_id)
            raise
        with self._lock:
            return bool(self._owed)

    def _owe(self, job_id: str) -> None:
        with self._lock:
            self._owed.add(job_id)
        pulse.join(self)


summing = Summing()


def _on_job_changed(sender: object, *, job: SSEProgress, **_: Any) -> None:
    if job.parent_id is not None:
        # After the commit, so that the last two parts to end can't both miss the other.
        transaction.on_commit(lambda: summing.part_changed(job), robust=True)


def connect() -> None:
    """Listen to the parts."""
    job_changed.connect(_on_job_changed, dispatch_uid="core.fanout")
