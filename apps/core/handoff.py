"""Hand a job to the workers: the row first, then a message that carries nothing but its id.

The database is the truth and the broker only a bell. A message that is lost (Valkey down, flushed)
leaves `enqueued_at` empty or old, and the scheduler rings again; one too many finds the lease held
and changes nothing.
"""

from __future__ import annotations

import logging

import dramatiq
from django.db import transaction
from django.db.models.functions import Now
from dramatiq.errors import BrokerError
from redis.exceptions import RedisError

from apps.core.models import SSEProgress
from apps.core.statuses import Status

#: The message option that carries the job's id.
JOB_OPTION = "progress_id"

logger = logging.getLogger(__name__)


def ring(job: SSEProgress) -> bool:
    """Tell the workers to look at `job`; False when the broker can't be reached."""
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=job.queue,
        actor_name=job.actor,
        args=(),
        kwargs={},
        options={JOB_OPTION: job.job_id},
    )
    try:
        dramatiq.get_broker().enqueue(message)
    except (BrokerError, RedisError, OSError) as error:
        logger.warning("job %s waits for the queue: %s", job.job_id, error)
        return False
    SSEProgress.objects.filter(job_id=job.job_id, status=Status.PENDING).update(enqueued_at=Now())
    return True


def ring_on_commit(job: SSEProgress) -> None:
    """Ring once the caller's transaction has committed; never when it rolls back."""
    transaction.on_commit(lambda: ring(job), robust=True)
