"""What keeps jobs true when nobody else can: the scheduler's work. Every run is idempotent."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from apps.core.conf import conf
from apps.core.handoff import ring
from apps.core.models import SSEProgress
from apps.core.statuses import Status
from apps.core.verbs import expire, settle_abandoned

logger = logging.getLogger(__name__)

#: Jobs dealt with in one run; the next run goes on.
BATCH = 500


def settle_stale_jobs() -> int:
    """Settle the jobs whose worker gives no life sign, and expire those nobody started.

    Never by age: a three-hour job that works renews its lease all the time.
    """
    settled = 0
    for job in SSEProgress.objects.lease_lost()[:BATCH]:
        row = settle_abandoned(job)
        if row is not None:
            settled += 1
            logger.warning("job %s had no life sign and is now %s", job.job_id, row.status)
    long_ago = Now() - timedelta(seconds=conf.PENDING_EXPIRES_SECONDS)
    unstarted = SSEProgress.objects.filter(status=Status.PENDING, actor="", updated_at__lt=long_ago)
    for job in unstarted[:BATCH]:
        settled += expire(job) is not None
    return settled


def ring_again() -> int:
    """Ring for waiting jobs whose message was never sent, or may have been lost."""
    lost = Now() - timedelta(seconds=conf.RING_AGAIN_SECONDS)
    due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
    waiting = SSEProgress.objects.filter(due, status=Status.PENDING).exclude(actor="")
    rung = 0
    for job in waiting.filter(Q(enqueued_at__isnull=True) | Q(enqueued_at__lt=lost))[:BATCH]:
        if not ring(job):
            break  # the broker is away; the next run tries again
        rung += 1
    return rung
