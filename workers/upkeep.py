"""What keeps jobs true when nobody else can: the scheduler's work. Every run is idempotent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from itertools import chain
from time import monotonic

import dramatiq
from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now
from redis.exceptions import RedisError

from apps.core.clock import FromNow
from apps.core.conf import conf
from apps.core.fanout import tend
from apps.core.handoff import ring
from apps.core.models import SSEProgress
from apps.core.models.queryset import PLAIN_LEASES
from apps.core.outages import is_outage
from apps.core.statuses import LEASED, Status
from apps.core.verbs import expire, settle_abandoned

logger = logging.getLogger(__name__)

#: Jobs dealt with in one run; the next run goes on.
BATCH = 500


class Eyesight:
    """Knows since when the ends of leases can be believed.

    While the database is away nobody can renew a lease; when it comes back, or when its clock is
    put forward, all have run out at once. A scheduler that believed that would take every job from
    its living worker, and declare plain ones dead.
    """

    def __init__(self) -> None:
        self._blind_until = float("-inf")
        #: How far the database's clock was ahead of our own at most, when last looked at.
        self._ahead = float("inf")

    def trusted(self, jobs: QuerySet[SSEProgress]) -> list[SSEProgress]:
        """Read the jobs; none until every living worker has had time to renew its lease."""
        try:
            found = list(jobs)
            # Afterwards: it may be put forward between the two.
            if self._clock_was_put_forward():
                self._look_away()
        except (DatabaseError, InterfaceError):
            self._look_away()
            raise
        blind_since = self._blind_until - monotonic()
        if blind_since > 0:
            return []
        if blind_since > -(PLAIN_LEASES - 1) * conf.LEASE_SECONDS:
            return [job for job in found if job.actor]  # plain jobs renew theirs less often
        return found

    def _look_away(self) -> None:
        self._blind_until = monotonic() + conf.LEASE_SECONDS

    def _clock_was_put_forward(self) -> bool:
        began = monotonic()
        clock = SSEProgress.objects.database_clock().timestamp()
        # Read somewhere between `began` and now: a slow answer must not look like a step.
        at_least, before = clock - monotonic(), self._ahead
        self._ahead = clock - began
        return at_least - before > conf.LEASE_SECONDS / 4


eyesight = Eyesight()


def settle_stale_jobs() -> int:
    """Settle the jobs whose worker gives no life sign, and expire those nobody started.

    Never by age: a three-hour job that works renews its lease all the time.
    """
    settled = each(eyesight.trusted(SSEProgress.objects.lease_lost()[:BATCH]), _settle)
    SSEProgress.objects.pull_in_leases()
    SSEProgress.objects.pull_in_back_offs()
    settled += each(SSEProgress.objects.filter(fanned_out=True, status__in=LEASED), tend)
    long_ago = FromNow(-conf.PENDING_EXPIRES_SECONDS)
    unstarted = SSEProgress.objects.filter(status=Status.PENDING, actor="", updated_at__lt=long_ago)
    return settled + each(unstarted[:BATCH], lambda job: expire(job) is not None)


def each(jobs: Iterable[SSEProgress], deal_with: Callable[[SSEProgress], bool]) -> int:
    """Deal with one job after the other; answer with how many of them it was true for.

    One that raises is told in the log and holds up no other, and the next run tries it again. A
    database that is away is nothing of the job's: that ends the run.
    """
    dealt_with = 0
    for job in jobs:
        try:
            dealt_with += deal_with(job)
        except Exception as error:
            if is_outage(error):
                raise
            logger.exception("job %s could not be dealt with; the others are", job.job_id)
    return dealt_with


def _settle(job: SSEProgress) -> bool:
    row = settle_abandoned(job)
    if row is None:
        return False
    logger.warning("job %s had no life sign and is now %s", job.job_id, row.status)
    if row.status == Status.PENDING:
        ring(row)  # at once: somebody is watching a bar that stands still
    return True


def ring_again() -> int:
    """Ring for waiting jobs whose message was never sent, or may have been lost."""
    lost = FromNow(-conf.RING_AGAIN_SECONDS)
    due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
    waiting = SSEProgress.objects.filter(due, status=Status.PENDING).exclude(actor="")
    unsent = waiting.filter(enqueued_at__isnull=True)
    # Rung in the future, because the clock was put back meanwhile, says nothing.
    long_ago = Q(enqueued_at__lt=lost) | Q(enqueued_at__gt=Now())
    silent = waiting.filter(long_ago, queue__in=_queues_that_lost_messages(waiting))
    away = False

    def ring_unless_away(job: SSEProgress) -> bool:
        nonlocal away
        away = away or not ring(job)  # the next run tries again
        return not away

    return each(chain(unsent[:BATCH], silent[:BATCH]), ring_unless_away)


def _queues_that_lost_messages(waiting: QuerySet[SSEProgress]) -> list[str]:
    """Name the queues with fewer messages than waiting jobs.

    In a long queue a job waits long without anything being lost; ringing for it again and again
    would make the queue longer.
    """
    count = getattr(dramatiq.get_broker(), "waiting", None)
    per_queue = dict(
        waiting.exclude(enqueued_at=None).order_by().values_list("queue").annotate(Count("pk"))
    )
    if count is None:
        return list(per_queue)
    try:
        return [queue for queue, jobs in per_queue.items() if count(queue) < jobs]
    except RedisError:
        return []  # the broker is away; the next run tries again
