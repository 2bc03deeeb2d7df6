"""What the parts of a fanned-out job amount to: its counts, and where they leave it.

Read and written with the job's row locked, so that no older sum is ever written over a newer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Now

from apps.core.books import Books
from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.statuses import LEASED, Status

#: A part in one of these may still change without anybody asking for it.
UNDER_WAY = LEASED | {Status.PENDING}


def lock(job_id: str, where: Q) -> SSEProgress | None:
    """Lock a fanned-out job's row until the transaction ends, and read it; None if not `where`.

    By an update: a read that is followed by a write may fail on SQLite.
    """
    guarded = SSEProgress.objects.filter(where, job_id=job_id, fanned_out=True)
    if not guarded.update(seq=F("seq") + 1, updated_at=Now()):
        return None
    return SSEProgress.objects.get(job_id=job_id)


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The parts of one job at one moment."""

    books: Books
    warnings: int
    rate: float | None
    under_way: int
    paused: int
    completed: int
    cancelled: int
    failed: int
    #: The part that goes on first, when all that are left have been put off.
    put_off: SSEProgress | None

    @classmethod
    def of(cls, job: SSEProgress) -> Sums:
        """Add up the parts, in one statement so that the sums belong together."""
        found = SSEProgress.objects.filter(parent_id=job.job_id).aggregate(
            parts=Count("pk"),
            knowing=Count("total_items"),
            total=Sum("total_items", default=0),
            done=Sum("success_count", default=0),
            skipped=Sum("skipped_items", default=0),
            not_done=Sum("failed_items", default=0),
            in_doubt=Sum("in_doubt_items", default=0),
            warnings=Sum("warning_count", default=0),
            rate=Sum("rate", filter=Q(status__in=LEASED)),
            live=Count("pk", filter=Q(status__in=LEASED)),
            under_way=Count("pk", filter=Q(status__in=UNDER_WAY)),
            paused=Count("pk", filter=Q(status=Status.PAUSED)),
            completed=Count("pk", filter=Q(status=Status.COMPLETED)),
            cancelled=Count("pk", filter=Q(status=Status.CANCELLED)),
            failed=Count("pk", filter=Q(status__in=(Status.FAILED, Status.EXPIRED))),
        )
        put_off = None
        if found["under_way"] and not found["live"]:
            put_off = _put_off(job)
        # What the job said itself, before it was shared out.
        said = JobItem.objects.filter(job_id=job.job_id, outcome=Outcome.WARNING).count()
        return cls(
            books=Books(
                # One part of which nobody knows how big it is, and nobody knows it of the whole.
                total=found["total"] if found["knowing"] == found["parts"] else None,
                done=found["done"],
                skipped=found["skipped"],
                failed=found["not_done"],
                in_doubt=found["in_doubt"],
            ),
            warnings=said + found["warnings"],
            put_off=put_off,
            **{
                name: found[name]
                for name in ("rate", "under_way", "paused", "completed", "cancelled", "failed")
            },
        )

    def values(self, job: SSEProgress) -> dict[str, Any]:
        """Give what `job`'s row has to say."""
        books = self.books
        values: dict[str, Any] = {
            "total_items": books.total,
            "processed_items": books.processed,
            "failed_items": books.failed,
            "skipped_items": books.skipped,
            "in_doubt_items": books.in_doubt,
            "warning_count": self.warnings,
            "rate": self.rate,
        }
        if self.put_off is not None or job.not_before is not None:
            # Nobody works on it, and whoever watches the whole wants to know why.
            first = self.put_off
            values["not_before"] = first.not_before if first else None
            values["message"] = first.message if first else ""
            values["message_params"] = first.message_params if first else {}
        if job.result.get("summary"):
            # The author wrote it before there was anything to count.
            params = {**job.result.get("params", {}), **books.counts(), "total": books.total}
            values["result"] = {**job.result, "params": params}
        return values

    def differ_from(self, job: SSEProgress) -> bool:
        """Tell whether `job`'s row says something else."""
        return any(getattr(job, name) != value for name, value in self.values(job).items())

    def outcome(self, status: str) -> Status | None:
        """Tell where a job in `status` is to move to; None while parts are under way."""
        if self.under_way:
            return None
        if self.paused:
            return Status.CANCELLED if status == Status.CANCELLING else Status.PAUSED
        if self.cancelled and status == Status.CANCELLING:
            return Status.CANCELLED
        done = self.books.closed and not self.failed and not self.cancelled
        return Status.COMPLETED if done else Status.FAILED


def _put_off(job: SSEProgress) -> SSEProgress | None:
    waiting = SSEProgress.objects.filter(parent_id=job.job_id, status=Status.PENDING)
    if waiting.filter(Q(not_before=None) | Q(not_before__lte=Now())).exists():
        return None
    return waiting.order_by("not_before").first()
