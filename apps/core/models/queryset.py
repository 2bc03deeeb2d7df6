"""Questions about jobs, and the only writes that may change one's state.

Every write is one guarded UPDATE. When it touches no row, somebody else has moved the job.
Times are the database's own (`Now()`), because several machines' clocks differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Max, Q
from django.db.models.functions import Coalesce, Now

from apps.core.conf import conf
from apps.core.models import fenced
from apps.core.statuses import LEASED, TERMINAL, Status, sources_of

if TYPE_CHECKING:
    from apps.core.models.models_sse_progress import SSEProgress


#: A plain job is given up after so many leases without a life sign.
PLAIN_LEASES = 3


def lease_end() -> Any:
    """Give the expression for the end of a lease taken or renewed now."""
    return Now() + timedelta(seconds=conf.LEASE_SECONDS)


def plain_lease_end() -> Any:
    """Give the expression for the end of a plain job's lease: longer, for it can't be resumed."""
    return Now() + timedelta(seconds=PLAIN_LEASES * conf.LEASE_SECONDS)


class SSEProgressQuerySet(models.QuerySet["SSEProgress"]):
    """Jobs."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> SSEProgressQuerySet:
        """Keep the jobs that `user` may see: their own, or all for staff."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if getattr(user, "is_staff", False):
            return self
        return self.filter(user_id=user.pk)

    def active(self) -> SSEProgressQuerySet:
        """Keep the jobs that are not over."""
        return self.exclude(status__in=TERMINAL)

    def whole(self) -> SSEProgressQuerySet:
        """Keep the jobs that people started, without the parts that some are shared out in."""
        return self.filter(parent=None)

    def database_clock(self) -> datetime:
        """Read the database's clock."""
        nothing = self.filter(pk="")
        clock: datetime = nothing.aggregate(now=Coalesce(Max(Now()), Now()))["now"]
        return clock

    def lease_lost(self) -> SSEProgressQuerySet:
        """Keep the jobs whose worker has given no life sign for a whole lease."""
        return self.filter(status__in=LEASED, fanned_out=False).filter(
            Q(lease_until__lt=Now()) | Q(lease_until__isnull=True)
        )

    def pull_in_leases(self) -> int:
        """Shorten the leases that end later than any can: the database's clock was put back.

        A living worker renews its own in time; a dead one's would hold its job up for ever.
        """
        end = plain_lease_end()
        too_late = Now() + timedelta(seconds=2 * PLAIN_LEASES * conf.LEASE_SECONDS)
        return self.filter(status__in=LEASED, lease_until__gt=too_late).update(lease_until=end)

    def pull_in_back_offs(self) -> int:
        """Begin the waits anew that the database's clock, put back since, would make longer.

        Such a row was written in the future. What it then had to wait is what it has to wait now.
        """
        behind = Now() + timedelta(seconds=1)
        return self.filter(
            status=Status.PENDING, not_before__gt=behind, updated_at__gt=behind
        ).update(not_before=Now() + (F("not_before") - F("updated_at")), updated_at=Now())

    def claimable(self, job_id: str) -> SSEProgressQuerySet:
        """Keep the job if a worker may take it: waiting, or left behind by a dead worker."""
        due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
        return self.filter(job_id=job_id).filter(
            Q(status=Status.PENDING) & due | Q(status=Status.RUNNING, lease_until__lt=Now())
        )

    def claim(self, job_id: str, worker: str) -> SSEProgress | None:
        """Take the lease of a job, or None when another worker holds it or it needs none."""
        found = self.claimable(job_id).values_list("epoch", flat=True).first()
        if found is None:
            return None
        # Of several at once, one gets this epoch. A worker that is suspended right here must not
        # take the row that another one has claimed meanwhile for its own.
        epoch = found + 1
        taken = (
            self.claimable(job_id)
            .filter(epoch=found)
            .update(
                status=Status.RUNNING,
                epoch=epoch,
                attempts=F("attempts") + 1,
                seq=F("seq") + 1,
                worker=worker,
                lease_until=lease_end(),
                not_before=None,
                error={},
                started_at=Coalesce("started_at", Now()),
                updated_at=Now(),
            )
        )
        return self.filter(job_id=job_id, epoch=epoch).first() if taken else None

    def move(
        self,
        job_id: str,
        target: Status,
        *,
        epoch: int | None = None,
        only_from: Iterable[Status] | None = None,
        where: Q | None = None,
        **values: Any,
    ) -> SSEProgress | None:
        """Move a job to `target` along the transition table; None when it is not possible now.

        `epoch` is the fencing token of the worker that asks; `only_from` narrows the table, and
        `where` is a further guard.
        """
        sources = sources_of(target)
        if only_from is not None:
            sources &= frozenset(only_from)
        guarded = self.filter(job_id=job_id, status__in=sources)
        if epoch is not None:
            guarded = guarded.filter(epoch=epoch)
        if where is not None:
            guarded = guarded.filter(where)
        moved = guarded.update(
            status=target,
            seq=F("seq") + 1,
            updated_at=Now(),
            **{**_times_of(target), **values},
        )
        return self.get(job_id=job_id) if moved else None

    def write(
        self, job_id: str, epoch: int, *, renew: bool, **values: Any
    ) -> tuple[Status, int] | None:
        """Write a worker's values; answer with the job's status and seq.

        None means that the lease is lost: nothing was written.
        """
        return fenced.write(self, job_id, epoch, values, renew=renew)

    def renew(self, job_id: str, epoch: int) -> bool:
        """Renew a lease without writing anything else."""
        guarded = self.filter(job_id=job_id, epoch=epoch, status__in=LEASED)
        return bool(guarded.update(lease_until=lease_end(), updated_at=Now()))


def _times_of(target: Status) -> dict[str, Any]:
    """Give the timestamps that a move to `target` sets."""
    if target in TERMINAL:
        return {"finished_at": Now(), "lease_until": None}
    if target == Status.RUNNING:
        return {"started_at": Coalesce("started_at", Now()), "lease_until": lease_end()}
    if target == Status.PENDING:
        return {
            "finished_at": None,
            "lease_until": None,
            "enqueued_at": None,
            "not_before": None,
        }
    if target == Status.PAUSED:
        return {"lease_until": None}
    return {}
