"""Closing an attempt: its job is moved to where it truly stands, if it is still ours to move."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from apps.core import ledger
from apps.core.backoff import not_before, wait_after
from apps.core.conf import conf
from apps.core.errors import JobCancelled, JobPaused, JobPutOff, JobStopped, LeaseLost
from apps.core.models import SSEProgress
from apps.core.models.models_sse_progress import unbalanced
from apps.core.signals import job_changed
from apps.core.statuses import LEASED, Status
from apps.core.ticker import Ticker
from apps.core.tracker import ProgressTracker
from apps.core.tracks import doubt_reserved, reserves

DATABASE_AWAY = gettext_noop("The database did not answer. The job goes on by itself.")
NO_DATABASE = {
    "code": "database",
    "message": gettext_noop("The database could not be read or written."),
    "hint": gettext_noop("What is done is kept. Try again when the database works."),
}


def interrupt(pen: Ticker, job: SSEProgress) -> None:
    """Let a later attempt go on from what the database kept, after it has let this one down."""
    if job.attempts < conf.MAX_ATTEMPTS:
        wait = not_before(wait_after(job.attempts))
        message = {"message": DATABASE_AWAY, "message_params": {}}
        end(job, Status.PENDING, "progress", **{**known(pen), **message, "not_before": wait})
    else:
        end(job, Status.FAILED, "error", **{**known(pen), "error": NO_DATABASE})


def known(pen: Ticker) -> dict[str, Any]:
    """Give what may be written at the end: nothing when the row may hold something newer."""
    return {} if pen.unsure else pen.values()


def complete(tracker: ProgressTracker, job: SSEProgress) -> None:
    """End a job whose books balance as completed, and any other as failed."""
    if tracker.ticker.unsure:
        # The actor has swallowed the error; another attempt finds out what is true.
        interrupt(tracker.ticker, job)
        return
    with tracker.ticker.lock:
        if job.total_items is None:
            job.total_items = job.processed_items
        if _completed_at_once(tracker.ticker, job):
            return
        values = tracker.ticker.values()
        if job.books.closed and ledger.agrees(job):
            end(job, Status.COMPLETED, "complete", **{**values, "message": ""})
        else:
            end(job, Status.FAILED, "error", error=unbalanced(job.books), **values)


def _completed_at_once(pen: Ticker, job: SSEProgress) -> bool:
    """Complete a job that knows nothing but success, if the ledger knows nothing else either.

    In one statement, for the short jobs that come in thousands.
    """
    told = job.skipped_items or job.failed_items or job.in_doubt_items or reserves(job.cursor)
    if told or not job.books.closed:
        return False
    values = {**pen.changes(), **({"message": ""} if job.message else {})}
    completed = SSEProgress.objects.complete(job, ledger.ONLY_SUCCESS, **values)
    if completed:
        job_changed.send(SSEProgress, job=job, kind="complete", urgent=True)
    return completed


def stop(tracker: ProgressTracker, job: SSEProgress, stopped: JobStopped) -> None:
    """Confirm a wish, or hand the job back so that another worker goes on at once."""
    with tracker.ticker.lock:
        values = known(tracker.ticker)
        if isinstance(stopped, JobCancelled) or job.status == Status.CANCELLING:
            end(job, Status.CANCELLED, "error", **values)
        elif isinstance(stopped, JobPaused) or job.status == Status.PAUSING:
            reason = stopped.reason if isinstance(stopped, JobPaused) else None
            end(job, Status.PAUSED, "progress", **values, error=reason or {})
        else:
            # Neither a shutdown nor a delay is a failed attempt.
            values["attempts"] = F("attempts") - 1
            if isinstance(stopped, JobPutOff):
                values["not_before"] = not_before(stopped.after_seconds)
                values |= {"message": stopped.msgid, "message_params": stopped.params}
            end(job, Status.PENDING, "progress", **values)


def end(job: SSEProgress, target: Status, kind: str, **values: Any) -> None:
    """Move the job away from this attempt; what it leaves under way is in doubt.

    Raises:
        LeaseLost: when the job has been given to somebody else.
    """
    row = _leave(job, target, values)
    if row is None and target in (Status.PENDING, Status.PAUSED):
        # A wish came in at the last moment; grant it instead of handing back, or of an earlier one.
        wish = SSEProgress.objects.get(job_id=job.job_id).status
        granted = {Status.PAUSING: Status.PAUSED, Status.CANCELLING: Status.CANCELLED}.get(
            Status(wish)
        )
        values = {n: v for n, v in values.items() if n not in ("attempts", "not_before")}
        if granted is not None:
            row = _leave(job, granted, values)
            kind = "error" if granted == Status.CANCELLED else kind
    if row is None:
        raise LeaseLost(job.job_id, job.epoch)
    job_changed.send(SSEProgress, job=row, kind=kind, urgent=True)


def _leave(job: SSEProgress, target: Status, values: dict[str, Any]) -> SSEProgress | None:
    """Make the move while the lease is ours, with whatever was under way entered as in doubt.

    Only from a leased state: until somebody claims a job that has been taken from this attempt,
    its epoch is still ours.
    """
    move = partial(
        SSEProgress.objects.move, job.job_id, target, epoch=job.epoch, only_from=LEASED, **values
    )
    if "cursor" in values and not reserves(values["cursor"]):
        return move()
    with transaction.atomic():
        row = move()
        if row is not None and doubt_reserved(row):
            SSEProgress.objects.filter(job_id=job.job_id).update(
                cursor=row.cursor,
                processed_items=row.processed_items,
                in_doubt_items=row.in_doubt_items,
            )
    return row
