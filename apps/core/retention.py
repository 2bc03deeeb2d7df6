"""Take away what is older than anybody asks for: jobs that are over, with all they left behind.

A job's own files go with it: features that keep any listen to `job_pruned`.
"""

from __future__ import annotations

import logging

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce

from apps.core import shutdown
from apps.core.clock import FromNow
from apps.core.conf import conf
from apps.core.models import SSEProgress, SSEProgressQuerySet
from apps.core.signals import artefacts_due, job_pruned
from apps.core.statuses import TERMINAL

#: Jobs deleted in one transaction: nobody else has to wait for long.
BATCH = 100
DAY_SECONDS = 86_400

logger = logging.getLogger(__name__)


def prune() -> int:
    """Delete the jobs that ended more than KEEP_DAYS ago; answer with how many.

    A job whose files could not be removed, or that a project's own tables hold on to, stays and is
    tried again the next time.
    """
    pruned, last = 0, ""
    while not shutdown.stopping.is_set():
        with transaction.atomic():
            batch = _batch(last)
            pruned += _delete([job.job_id for job in batch if _told(job)])
        if len(batch) < BATCH:
            break
        last = batch[-1].job_id
    if pruned:
        logger.info("%s jobs older than %s days were pruned", pruned, conf.KEEP_DAYS)
    return pruned


def remove_artefacts() -> None:
    """Have the features take away what was kept for long enough."""
    for receiver, answer in artefacts_due.send_robust(SSEProgress):
        if isinstance(answer, Exception):
            logger.error("%r could not take away what is too old: %r", receiver, answer)


def prunable() -> SSEProgressQuerySet:
    """Find the jobs that are over for long enough.

    Parts go with the job that they are part of, which must not have one that still works.
    """
    working = SSEProgress.objects.active().filter(parent_id=OuterRef("pk"))
    ended = SSEProgress.objects.filter(~Exists(working), parent=None, status__in=TERMINAL)
    # A row that was made as completed has no end.
    return ended.alias(over_since=Coalesce("finished_at", "updated_at")).filter(
        over_since__lt=FromNow(-conf.KEEP_DAYS * DAY_SECONDS)
    )


def _batch(last: str) -> list[SSEProgress]:
    """Lock the next jobs behind `last`, so that nobody starts one again while it is deleted."""
    found = prunable().filter(job_id__gt=last).order_by("job_id")
    if connection.features.has_select_for_update_of:
        found = found.select_for_update(of=("self",), skip_locked=True)
    return list(found.prefetch_related("parts")[:BATCH])


def _delete(job_ids: list[str]) -> int:
    """Delete jobs; when one of them can't be, those that can."""
    try:
        with transaction.atomic():
            SSEProgress.objects.filter(job_id__in=job_ids).delete()
    except IntegrityError as error:
        if len(job_ids) > 1:
            return sum(_delete([job_id]) for job_id in job_ids)
        logger.error("job %s can't be pruned: %s", job_ids[0], error)
        return 0
    return len(job_ids)


def _told(job: SSEProgress) -> bool:
    """Tell the features that `job` goes; False when one of them could not let go of it."""
    with transaction.atomic():
        failures = [
            answer
            for part in (job, *job.parts.all())
            for _receiver, answer in job_pruned.send_robust(SSEProgress, job=part)
            if isinstance(answer, Exception)
        ]
        transaction.set_rollback(bool(failures))
    for failure in failures:
        logger.error("job %s can't be pruned: %r", job.job_id, failure)
    return not failures
