"""One attempt at a job: claim it, run the actor, and end as is true.

Terminal states are written here, inside the actor's call, and not in middleware: hooks run later,
may be skipped, and their errors are swallowed.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connections, transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext_noop

from apps.core import ledger
from apps.core.backoff import not_before, wait_after
from apps.core.budget import ErrorBudget
from apps.core.conf import conf
from apps.core.errors import (
    JobCancelled,
    JobFailed,
    JobFannedOut,
    JobHandedBack,
    JobPaused,
    JobPutOff,
    JobStopped,
    LeaseLost,
)
from apps.core.logs import job_context
from apps.core.models import SSEProgress
from apps.core.models.models_sse_progress import unbalanced
from apps.core.outages import is_outage
from apps.core.signals import job_changed
from apps.core.statuses import LEASED, Status
from apps.core.texts import storable
from apps.core.ticker import Ticker
from apps.core.tracker import ProgressTracker
from apps.core.tracks import doubt_reserved, reserves

DATABASE_AWAY = gettext_noop("The database did not answer. The job goes on by itself.")
NO_DATABASE = {
    "code": "database",
    "message": gettext_noop("The database could not be read or written."),
    "hint": gettext_noop("What is done is kept. Try again when the database works."),
}

HOST = socket.gethostname()

logger = logging.getLogger(__name__)


def run(
    job_id: str,
    work: Callable[..., None],
    budget: ErrorBudget | None = None,
    *,
    retries: int = 0,
) -> None:
    """Make one attempt at a job; nothing happens when another worker holds it.

    After an unforeseen error another attempt follows, `retries` times, with growing waits.
    """
    with job_context(job_id):
        job = SSEProgress.objects.claim(job_id, worker_name())
        if job is None:
            logger.info("nothing to do: the job is held or over")
            return
        if job.attempts > conf.MAX_ATTEMPTS:
            _end(job, Status.FAILED, "error", error=_worn_out(job))
            return
        tracker = ProgressTracker(job, budget)
        tracker.ticker.open()
        try:
            with translation.override(job.language or None):
                _attempt(tracker, job, work, retries)
        except LeaseLost as lost:
            logger.warning("%s", lost)
        finally:
            tracker.ticker.close()


def worker_name() -> str:
    """Name this worker so that an operator finds it."""
    return f"{HOST}:{os.getpid()}:{threading.get_native_id()}"


def _attempt(
    tracker: ProgressTracker, job: SSEProgress, work: Callable[..., None], retries: int
) -> None:
    """Run the actor, and write down how that ended."""
    pen = tracker.ticker
    try:
        if reserves(job.cursor):
            with transaction.atomic():
                doubt_reserved(job)
                pen.write()
        job_changed.send(SSEProgress, job=job, kind="start", urgent=True)
        try:
            work(tracker, *job.args.get("args", ()), **job.args.get("kwargs", {}))
        finally:
            tracker.close()
    except LeaseLost:
        raise
    except JobFannedOut:
        logger.info("the job goes on in its parts")
    except JobStopped as stopped:
        _stop(tracker, job, stopped)
    except JobFailed as failed:
        logger.warning("the job failed: %s", failed)
        _end(job, Status.FAILED, "error", **{**_known(pen), "error": storable(failed.as_error())})
    except Exception as error:  # the process's edge: nothing above knows the job
        logger.exception("the job failed")
        _drop_broken_connections()
        if is_outage(error):
            _interrupt(pen, job)
            return
        values = {**_known(pen), "error": _unforeseen(error)}
        if job.attempts <= retries and job.status == Status.RUNNING:
            wait = not_before(wait_after(job.attempts))
            _end(job, Status.PENDING, "progress", not_before=wait, **values)
        else:
            _end(job, Status.FAILED, "error", **values)
    except BaseException:
        # An interrupt (a forced stop): give the job back rather than let the lease run out.
        _stop(tracker, job, JobHandedBack())
        raise
    else:
        _complete(tracker, job)


def _interrupt(pen: Ticker, job: SSEProgress) -> None:
    """Let a later attempt go on from what the database kept, after it has let this one down."""
    if job.attempts < conf.MAX_ATTEMPTS:
        wait = not_before(wait_after(job.attempts))
        message = {"message": DATABASE_AWAY, "message_params": {}}
        _end(job, Status.PENDING, "progress", **{**_known(pen), **message, "not_before": wait})
    else:
        _end(job, Status.FAILED, "error", **{**_known(pen), "error": NO_DATABASE})


def _known(pen: Ticker) -> dict[str, Any]:
    """Give what may be written at the end: nothing when the row may hold something newer."""
    return {} if pen.unsure else pen.values()


def _complete(tracker: ProgressTracker, job: SSEProgress) -> None:
    """End a job whose books balance as completed, and any other as failed."""
    if tracker.ticker.unsure:
        # The actor has swallowed the error; another attempt finds out what is true.
        _interrupt(tracker.ticker, job)
        return
    with tracker.ticker.lock:
        if job.total_items is None:
            job.total_items = job.processed_items
        if _completed_at_once(tracker.ticker, job):
            return
        values = tracker.ticker.values()
        if job.books.closed and ledger.agrees(job):
            _end(job, Status.COMPLETED, "complete", **{**values, "message": ""})
        else:
            _end(job, Status.FAILED, "error", error=unbalanced(job.books), **values)


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


def _stop(tracker: ProgressTracker, job: SSEProgress, stopped: JobStopped) -> None:
    """Confirm a wish, or hand the job back so that another worker goes on at once."""
    with tracker.ticker.lock:
        values = _known(tracker.ticker)
        if isinstance(stopped, JobCancelled) or job.status == Status.CANCELLING:
            _end(job, Status.CANCELLED, "error", **values)
        elif isinstance(stopped, JobPaused) or job.status == Status.PAUSING:
            reason = stopped.reason if isinstance(stopped, JobPaused) else None
            _end(job, Status.PAUSED, "progress", **values, error=reason or {})
        else:
            # Neither a shutdown nor a delay is a failed attempt.
            values["attempts"] = F("attempts") - 1
            if isinstance(stopped, JobPutOff):
                values["not_before"] = not_before(stopped.after_seconds)
                values |= {"message": stopped.msgid, "message_params": stopped.params}
            _end(job, Status.PENDING, "progress", **values)


def _end(job: SSEProgress, target: Status, kind: str, **values: Any) -> None:
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


def _drop_broken_connections() -> None:
    """Let go of connections that an error has left unusable, so that the end can be written."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _worn_out(job: SSEProgress) -> dict[str, Any]:
    return {
        "code": "attempts",
        "message": gettext_noop("This job has brought its worker down %(count)s times."),
        "params": {"count": job.attempts - 1},
        "hint": gettext_noop("Have the item it stops at looked into before trying again."),
    }


def _unforeseen(error: Exception) -> dict[str, Any]:
    """Describe an unforeseen error: its text may hold secrets, so it is for the log only."""
    return {
        "code": type(error).__name__,
        "message": gettext_noop("The job stopped because of an unexpected error."),
        "hint": gettext_noop("What is done is kept. Give the reference to your administrator."),
    }
