"""One job as a row of the history: its state's looks, its outcome in words, its small bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_lazy, ngettext

from apps.core.models import SSEProgress
from apps.core.snapshot import actions
from apps.core.statuses import LEASED, Status
from apps.core.texts import render

#: State → the icon and the tone of its pill.
LOOKS: dict[str, tuple[str, str]] = {
    Status.PENDING: ("clock", ""),
    Status.RUNNING: ("ring", "run"),
    Status.PAUSING: ("pause", ""),
    Status.PAUSED: ("pause", ""),
    Status.CANCELLING: ("barred", ""),
    Status.CANCELLED: ("barred", ""),
    Status.COMPLETED: ("check", "ok"),
    Status.FAILED: ("cross", "err"),
    Status.EXPIRED: ("clock", "err"),
}


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A piece of the small bar; the numbers are SVG lengths."""

    tone: str
    x: str
    width: str


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """What the history shows of one job."""

    job: SSEProgress
    label: Any
    icon: str
    tone: str
    #: Seconds it took, or has taken until now; None before it starts.
    duration_s: int | None
    #: How much work it is ("200 invoices"), or its kind while nobody knows.
    size: str
    outcome: str
    segments: list[Segment]
    #: What may be asked of the job now, as in the snapshot.
    actions: list[dict[str, Any]]


def row_of(job: SSEProgress) -> JobRow:
    """Describe a job for the history."""
    icon, tone = LOOKS[job.status]
    label: Any = job.get_status_display()
    if job.status == Status.COMPLETED and (job.failed_items or job.in_doubt_items):
        icon, tone, label = "alert", "warn", gettext_lazy("With errors")
    return JobRow(
        job=job,
        label=label,
        icon=icon,
        tone=tone,
        duration_s=duration_of(job),
        size=size_of(job),
        outcome=outcome_of(job),
        segments=segments_of(job),
        actions=actions(job),
    )


def duration_of(job: SSEProgress) -> int | None:
    """Count the seconds from a job's start to its end, or to now while it is not over."""
    if job.started_at is None:
        return None
    return max(0, int(((job.finished_at or timezone.now()) - job.started_at).total_seconds()))


def size_of(job: SSEProgress) -> str:
    """Say how much work a job is, or of what kind while nobody knows."""
    if job.total_items is None:
        return job.task_type
    return f"{_number(job.total_items)} {_unit(job, job.total_items)}"


def progress_of(job: SSEProgress) -> str:
    """Say how far a job is: "4 of 40 invoices", or "4 invoices" while nobody knows of how many."""
    books = job.books
    if books.total is None:
        return f"{_number(books.processed)} {_unit(job, books.processed)}"
    return gettext("%(done)s of %(total)s %(unit)s") % {
        "done": _number(books.processed),
        "total": _number(books.total),
        "unit": _unit(job, books.total),
    }


def outcome_of(job: SSEProgress) -> str:
    """Say in a few words what came of a job: its error, its summary, or its counts."""
    if job.error:
        return render(job.error.get("message", ""), job.error.get("params"))
    if job.result.get("summary"):
        return render(job.result["summary"], job.result.get("params"))
    return ", ".join(_counts(job))


def segments_of(job: SSEProgress) -> list[Segment]:
    """Divide the small bar: done and skipped, then failed, then in doubt."""
    books = job.books
    whole = max(books.total or 0, books.processed)
    if not whole:
        return []
    done = "run" if job.status in LEASED else "off" if job.status == Status.CANCELLED else "ok"
    shares = ((done, books.done + books.skipped), ("err", books.failed), ("warn", books.in_doubt))
    segments, start = [], 0.0
    for tone, count in shares:
        # A single failure among thousands must still be seen.
        width = max(100 * count / whole, 2.5) if count else 0.0
        begin = min(start, 100 - width)
        if count:
            segments.append(Segment(tone=tone, x=f"{begin:.1f}%", width=f"{width:.1f}%"))
        start = begin + width
    return segments


def _counts(job: SSEProgress) -> list[str]:
    books = job.books
    parts = []
    if books.total is not None and books.processed < books.total:
        parts.append(progress_of(job))
    elif books.processed:
        parts.append(f"{_number(books.done)} {_unit(job, books.done)}")
    for count, text in (
        (books.failed, ngettext("%(count)s failed", "%(count)s failed", books.failed)),
        (books.skipped, ngettext("%(count)s skipped", "%(count)s skipped", books.skipped)),
        (books.in_doubt, ngettext("%(count)s in doubt", "%(count)s in doubt", books.in_doubt)),
    ):
        if count:
            parts.append(text % {"count": _number(count)})
    return [part.strip() for part in parts]


def _number(value: int) -> str:
    return str(number_format(value, force_grouping=True))


def _unit(job: SSEProgress, count: int) -> str:
    """Name what the job counts, in the number that fits."""
    if not job.unit:
        return ngettext("item", "items", count)
    return ngettext(job.unit["one"], job.unit["other"], count)
