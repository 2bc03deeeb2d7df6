"""Write an item's outcome down, and count what is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.texts import storable

#: The row's counter of each outcome that has one.
COUNTER_OF: dict[str, str] = {
    Outcome.SKIPPED: "skipped_items",
    Outcome.FAILED: "failed_items",
    Outcome.IN_DOUBT: "in_doubt_items",
}
DOUBT = gettext_noop("The work stopped in the middle of this item: it may or may not be done.")
GONE = gettext_noop("This item no longer exists.")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How one item ended, when it did not simply succeed."""

    track: int
    key: str
    outcome: str
    ref: str = ""
    code: str = ""
    msgid: str = ""
    params: dict[str, Any] = field(default_factory=dict)


def lines(job: SSEProgress) -> QuerySet[JobItem]:
    """Find a job's lines; a fanned-out job's are those of its parts too."""
    whose = Q(job_id=job.job_id)
    if job.fanned_out:
        whose |= Q(job_id__in=SSEProgress.objects.filter(parent_id=job.job_id).values("pk"))
    return JobItem.objects.filter(whose)


def record(job: SSEProgress, entry: Entry) -> None:
    """Write an entry, over an older one of the same item."""
    JobItem.objects.update_or_create(
        job_id=job.job_id,
        track=entry.track,
        key=entry.key,
        defaults={
            "ref": storable(entry.ref)[:200],
            "outcome": entry.outcome,
            "code": storable(entry.code)[:64],
            "message": storable(entry.msgid),
            "params": storable(entry.params),
        },
    )


def remark(job: SSEProgress, msgid: str, *, ref: str, code: str, params: dict[str, Any]) -> None:
    """Write down something that the actor says, which is no item's outcome."""
    record(
        job,
        Entry(
            track=0,
            key=f"w{job.warning_count}",
            outcome=Outcome.WARNING,
            ref=ref,
            code=code,
            msgid=msgid,
            params=params,
        ),
    )


def forget(job: SSEProgress, track: int, key: str) -> None:
    """Strike out an item that has now succeeded; what a person decided is kept, as done."""
    line = JobItem.objects.filter(job_id=job.job_id, track=track, key=key)
    line.filter(decision="").delete()
    line.update(outcome=Outcome.DONE, at=Now())


def to_retry(job: SSEProgress, track: int) -> set[str]:
    """Give the keys of a track's items that a retry takes up first."""
    rows = JobItem.objects.filter(job_id=job.job_id, track=track, outcome=Outcome.RETRY)
    return set(rows.values_list("key", flat=True))


def recount(job: SSEProgress) -> Counter[str]:
    """Count the written outcomes.

    In SQL that is written out: each job asks this at its end, and Django would take longer to
    compile the question than the database to answer it.
    """
    connection = connections[SSEProgress.objects.db]
    table = connection.ops.quote_name(JobItem._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT outcome, COUNT(*) FROM {table} WHERE job_id = %s GROUP BY outcome",  # noqa: S608 (no input)
            [job.job_id],
        )
        return Counter(dict(cursor.fetchall()))


#: A job of whose items the ledger tells nothing but success.
ONLY_SUCCESS = Q(~Exists(JobItem.objects.filter(job_id=OuterRef("pk"), outcome__in=COUNTER_OF)))


def agrees(job: SSEProgress) -> bool:
    """Tell whether the row's counters are what the ledger says."""
    written = recount(job)
    return all(written[outcome] == getattr(job, name) for outcome, name in COUNTER_OF.items())
