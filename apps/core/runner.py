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
from typing import Any

from django.db import connections, transaction
from django.utils import translation
from django.utils.translation import gettext_noop

from apps.core import closing
from apps.core.backoff import not_before, wait_after
from apps.core.budget import ErrorBudget
from apps.core.conf import conf
from apps.core.errors import (
    JobFailed,
    JobFannedOut,
    JobHandedBack,
    JobStopped,
    LeaseLost,
)
from apps.core.logs import job_context
from apps.core.models import SSEProgress
from apps.core.outages import is_outage
from apps.core.signals import job_changed
from apps.core.statuses import Status
from apps.core.texts import storable
from apps.core.tracker import ProgressTracker
from apps.core.tracks import doubt_reserved, reserves

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
            closing.end(job, Status.FAILED, "error", error=_worn_out(job))
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
        closing.stop(tracker, job, stopped)
    except JobFailed as failed:
        logger.warning("the job failed: %s", failed)
        closing.end(
            job,
            Status.FAILED,
            "error",
            **{**closing.known(pen), "error": storable(failed.as_error())},
        )
    except Exception as error:  # the process's edge: nothing above knows the job
        logger.exception("the job failed")
        _drop_broken_connections()
        if is_outage(error):
            closing.interrupt(pen, job)
            return
        values = {**closing.known(pen), "error": _unforeseen(error)}
        if job.attempts <= retries and job.status == Status.RUNNING:
            wait = not_before(wait_after(job.attempts))
            closing.end(job, Status.PENDING, "progress", not_before=wait, **values)
        else:
            closing.end(job, Status.FAILED, "error", **values)
    except BaseException:
        # An interrupt (a forced stop): give the job back rather than let the lease run out.
        closing.stop(tracker, job, JobHandedBack())
        raise
    else:
        closing.complete(tracker, job)


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
