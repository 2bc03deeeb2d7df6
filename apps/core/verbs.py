"""What people may ask of a job: cancel, pause, resume, retry.

The wishes of a running job are two-phase: `-ing` now, confirmed by the worker at its next item.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core import fanout
from apps.core.errors import NotPossibleNowError
from apps.core.handoff import ring_on_commit
from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.signals import job_changed
from apps.core.statuses import LEASED, TERMINAL, Status
from apps.core.ticker import Ticker
from apps.core.tracks import doubt_reserved, reserves


def cancel(job: SSEProgress) -> SSEProgress:
    """Stop a job: at once when nobody is working on it, else at the worker's next item."""
    with transaction.atomic():
        cancelled = _first_of(
            "cancel",
            job,
            lambda: _move(job, Status.CANCELLED, only_from=(Status.PENDING, Status.PAUSED)),
            lambda: _move(job, Status.CANCELLING),
        )
        return fanout.obey(cancelled) if cancelled.fanned_out else cancelled


def pause(job: SSEProgress) -> SSEProgress:
    """Let the worker stop at its next item, to be resumed from there."""
    with transaction.atomic():
        paused = _first_of("pause", job, lambda: _move(job, Status.PAUSING))
        return fanout.obey(paused) if paused.fanned_out else paused


def resume(job: SSEProgress) -> SSEProgress:
    """Put a paused job back in the queue."""
    with transaction.atomic():
        resumed = _first_of(
            "resume",
            job,
            lambda: _move(job, Status.PENDING, only_from=(Status.PAUSED,), message="", error={}),
        )
        if resumed.fanned_out:
            return fanout.resume(resumed)
        ring_on_commit(resumed)
    return resumed


def retry(job: SSEProgress) -> SSEProgress:
    """Put a job that is over back in the queue, for the items that are not done.

    Failed items leave the counts and are taken up first; done, skipped and doubtful ones stay.
    """
    with transaction.atomic():
        if "retry" not in possible(job):
            raise NotPossibleNowError("retry", job.status)
        if job.fanned_out:
            fanout.take_up_failed(job)
            return _first_of("retry", job, lambda: start_again(job))
        failed = JobItem.objects.filter(job_id=job.job_id, outcome=Outcome.FAILED).update(
            outcome=Outcome.RETRY
        )
        retried = _first_of(
            "retry",
            job,
            lambda: start_again(
                job,
                processed_items=F("processed_items") - failed,
                failed_items=F("failed_items") - failed,
            ),
        )
    return retried


def start_again(job: SSEProgress, **values: Any) -> SSEProgress | None:
    """Put a job that is over back in the queue as it is; None when it has moved on.

    Must be called in a transaction, with the counters that change in it.
    """
    row = _move(
        job,
        Status.PENDING,
        only_from=TERMINAL,
        attempts=0,
        message="",
        message_params={},
        # The actor, which alone could say it again, is not run again when its parts are.
        result=job.result if job.fanned_out else {},
        error={},
        **values,
    )
    if row is not None and row.fanned_out:
        return fanout.start_again(row)
    if row is not None:
        ring_on_commit(row)
    return row


VERBS: dict[str, Callable[[SSEProgress], SSEProgress]] = {
    "cancel": cancel,
    "pause": pause,
    "resume": resume,
    "retry": retry,
}

LABELS: dict[str, Any] = {
    "cancel": _("Cancel"),
    "pause": _("Pause"),
    "resume": _("Resume"),
    "retry": _("Try again"),
}

#: Asked before a verb that cannot be taken back.
CONFIRMATIONS: dict[str, Any] = {
    "cancel": _("Stop this job? What is done stays done."),
}


def possible(job: SSEProgress) -> list[str]:
    """Name the verbs that make sense for `job` now.

    None for a plain job: only its own code can stop or start it. None for a part of a job: the
    whole is asked.
    """
    if not job.actor or job.parent_id is not None:
        return []
    if job.status == Status.RUNNING:
        return ["pause", "cancel"]
    if job.status in (Status.PENDING, Status.PAUSING):
        return ["cancel"]
    if job.status == Status.PAUSED:
        return ["resume", "cancel"]
    unfinished = bool(job.failed_items) or job.books.left != 0
    return ["retry"] if job.status in TERMINAL and unfinished else []


def settle_abandoned(job: SSEProgress) -> SSEProgress | None:
    """Bring a job whose worker is dead to where it now truly stands; None if it has moved on.

    A wish that the worker can't confirm any more is granted; work with attempts left goes back to
    the queue; a plain job, which nobody can resume, is expired.
    """
    silent = Q(lease_until__lt=Now()) | Q(lease_until__isnull=True)
    silent &= Q(fanned_out=False)  # by an attempt that was thought dead
    if not job.actor:
        return expire(job, where=silent)
    target = {Status.CANCELLING: Status.CANCELLED, Status.PAUSING: Status.PAUSED}.get(
        Status(job.status), Status.PENDING
    )
    if not reserves(job.cursor):
        return _move(job, target, epoch=job.epoch, where=silent)
    with transaction.atomic():
        doubt_reserved(job)
        # Should the worker have come back since the row was read, its counts are newer than ours.
        guard = silent & Q(seq=job.seq)
        row = _move(job, target, epoch=job.epoch, where=guard, **Ticker(job).values())
        if row is None:
            transaction.set_rollback(True)
    return row


def expire(job: SSEProgress, where: Q | None = None) -> SSEProgress | None:
    """End a job that gives no life sign, and say so."""
    never_started = job.status == Status.PENDING
    message = (
        gettext_noop("Nobody has started this job.")
        if never_started
        else gettext_noop("The program that did this work has stopped without saying why.")
    )
    return _move(
        job,
        Status.EXPIRED,
        epoch=job.epoch,
        only_from=(Status.PENDING,) if never_started else LEASED,
        where=where,
        kind="error",
        error={
            "code": "expired",
            "message": message,
            "hint": gettext_noop("What was done before is kept. Start the rest again."),
        },
    )


def _first_of(verb: str, job: SSEProgress, *moves: Callable[[], SSEProgress | None]) -> SSEProgress:
    if job.actor and job.parent_id is None:
        for move in moves:
            row = move()
            if row is not None:
                return row
    job.refresh_from_db()
    raise NotPossibleNowError(verb, job.status)


def _move(
    job: SSEProgress, target: Status, *, kind: str = "progress", **values: Any
) -> SSEProgress | None:
    row = SSEProgress.objects.move(job.job_id, target, **values)
    if row is not None:
        kind = "error" if target == Status.CANCELLED else kind
        job_changed.send(SSEProgress, job=row, kind=kind, urgent=True)
    return row
