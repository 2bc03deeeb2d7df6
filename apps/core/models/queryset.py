"""Questions about jobs, and the only writes that may change one's state.

Every write is one guarded UPDATE. When it touches no row, somebody else has moved the job.
Times are the database's own (`Now()`), because several machines' clocks differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Max, Q
from django.db.models.functions import Coalesce, Now

from apps.core.clock import FromNow
from apps.core.conf import conf
from apps.core.models import statements
from apps.core.statuses import LEASED, TERMINAL, Status, sources_of

if TYPE_CHECKING:
    from apps.core.models.models_sse_progress import SSEProgress


#: What statements are built of: the guarded rows, and what they are set to.
Built = tuple["SSEProgressQuerySet", Mapping[str, Any]]

#: A plain job is given up after so many leases without a life sign.
PLAIN_LEASES = 3


def lease_end() -> Any:
    """Give the expression for the end of a lease taken or renewed now."""
    return FromNow(conf.LEASE_SECONDS)


def plain_lease_end() -> Any:
    """Give the expression for the end of a plain job's lease: longer, for it can't be resumed."""
    return FromNow(PLAIN_LEASES * conf.LEASE_SECONDS)


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
        too_late = FromNow(2 * PLAIN_LEASES * conf.LEASE_SECONDS)
        return self.filter(status__in=LEASED, lease_until__gt=too_late).update(lease_until=end)

    def pull_in_back_offs(self) -> int:
        """Begin the waits anew that the database's clock, put back since, would make longer.

        Such a row was written in the future. What it then had to wait is what it has to wait now.
        """
        behind = FromNow(1)
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
        """Take the lease of a job, or None when another worker holds it or it needs none.

        Of several at once, one gets the row back as it has left it. Read later, it could be
        somebody else's: a worker may be suspended at any point for longer than its lease.
        """

        def build() -> Built:
            return self.claimable(statements.ANY_JOB), {
                "status": Status.RUNNING,
                "epoch": F("epoch") + 1,
                "attempts": F("attempts") + 1,
                "seq": F("seq") + 1,
                "lease_until": lease_end(),
                "not_before": None,
                "error": {},
                "started_at": Coalesce("started_at", Now()),
                "updated_at": Now(),
            }

        return statements.execute_for_row(
            self,
            ("claim", conf.LEASE_SECONDS),
            build,
            values={"worker": worker},
            given={statements.ANY_JOB: job_id},
        )

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
        expressions = {name: v for name, v in values.items() if hasattr(v, "resolve_expression")}
        plain = {name: v for name, v in values.items() if name not in expressions}

        def build() -> Built:
            guarded = self._fenced(sources, with_epoch=epoch is not None)
            if where is not None:
                guarded = guarded.filter(where)
            times = {n: v for n, v in _times_of(target).items() if n not in plain}
            return guarded, {"status": target, **_signs_of_life(), **times, **expressions}

        shape = ("move", conf.LEASE_SECONDS, target, sources, epoch is None)
        return statements.execute_for_row(
            self,
            shape if where is None and not expressions else None,
            build,
            values=plain,
            given={statements.ANY_JOB: job_id, statements.ANY_EPOCH: epoch},
        )

    def complete(self, job: SSEProgress, where: Q, **values: Any) -> bool:
        """Move a job that is held to its good end, in the database and in memory.

        The values are plain ones. False when the lease is lost, or `where`, which is always the
        same, does not hold: nothing was written.
        """

        def build() -> Built:
            guarded = self._fenced(sources_of(Status.COMPLETED) & LEASED).filter(where)
            return guarded, {**_signs_of_life(), **_times_of(Status.COMPLETED)}

        return statements.execute_into(
            job,
            self,
            "complete",
            build,
            values={"status": Status.COMPLETED, **values},
            given={statements.ANY_JOB: job.job_id, statements.ANY_EPOCH: job.epoch},
            changed=("seq", "updated_at", "finished_at", "lease_until"),
        )

    def write(
        self, job_id: str, epoch: int, *, renew: bool, **values: Any
    ) -> tuple[Status, int] | None:
        """Write a worker's values; answer with the job's status and seq.

        None means that the lease is lost: nothing was written.
        """

        def build() -> Built:
            # Left out when it can be: the lease is in an index, which makes an update dearer.
            lease = {"lease_until": lease_end()} if renew else {}
            return self._fenced(LEASED), {**_signs_of_life(), **lease}

        row = statements.execute(
            self,
            ("write", conf.LEASE_SECONDS if renew else None),
            build,
            values=values,
            given={statements.ANY_JOB: job_id, statements.ANY_EPOCH: epoch},
            returned=("status", "seq"),
        )
        return None if row is None else (Status(row[0]), int(row[1]))

    def _fenced(self, sources: Iterable[Status], *, with_epoch: bool = True) -> SSEProgressQuerySet:
        """Keep any job in one of `sources`; of any attempt that holds it, unless told otherwise."""
        guarded = self.filter(job_id=statements.ANY_JOB, status__in=sorted(sources))
        return guarded.filter(epoch=statements.ANY_EPOCH) if with_epoch else guarded

    def renew(self, job_id: str, epoch: int) -> bool:
        """Renew a lease without writing anything else."""
        guarded = self.filter(job_id=job_id, epoch=epoch, status__in=LEASED)
        return bool(guarded.update(lease_until=lease_end(), updated_at=Now()))


def _signs_of_life() -> dict[str, Any]:
    """Give what each write to a row changes besides what it is about."""
    return {"seq": F("seq") + 1, "updated_at": Now()}


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
