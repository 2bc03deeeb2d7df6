"""Jobs as plain lines of text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.core.job_row import outcome_of, row_of, size_of
from apps.core.models import JobItem, SSEProgress
from apps.core.snapshot import message_text, percent

#: As much of an id as is shown; unique in practice.
SHORT = 8


def table(jobs: Iterable[SSEProgress]) -> list[str]:
    """Write jobs as lines in columns: id, state, percent, owner, start, title and outcome."""
    rows = [_cells(job) for job in jobs]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def line(job: SSEProgress) -> str:
    """Write a job as one line."""
    return "  ".join(_cells(job)).rstrip()


def whole(job: SSEProgress, items: Iterable[JobItem]) -> list[str]:
    """Write all there is to say about a job, then its ledger."""
    books = job.books
    facts = {
        _("Job id"): job.job_id,
        _("State"): str(row_of(job).label),
        _("Size"): size_of(job),
        _("Done"): str(books.done),
        _("Skipped"): str(books.skipped),
        _("Failed"): str(books.failed),
        _("In doubt"): str(books.in_doubt),
        _("Left"): "?" if books.left is None else str(books.left),
        _("Message"): message_text(job),
        _("Outcome"): outcome_of(job) if job.is_terminal else "",
        _("Started by"): _owner(job),
        _("Created"): _time(job.created_at),
        _("Started"): _time(job.started_at),
        _("Ended"): _time(job.finished_at),
        _("Attempts"): str(job.attempts),
        _("Worker"): job.worker,
    }
    width = max(map(len, facts)) + 2
    lines = [job.title_text]
    lines += [f"  {name + ':':{width}}{value}" for name, value in facts.items() if value]
    return lines + [f"  #{item.pk}  {_item(item)}" for item in items]


def item_data(item: JobItem) -> dict[str, Any]:
    """Give a ledger line as data."""
    return {
        "number": item.pk,
        "key": item.key,
        "ref": item.ref,
        "outcome": item.outcome,
        "code": item.code,
        "message": item.text,
        "at": item.at.isoformat(timespec="seconds"),
        "decision": item.decision,
        "decided_by": item.decided_by.get_username() if item.decided_by else None,
        "decided_at": item.decided_at.isoformat(timespec="seconds") if item.decided_at else None,
    }


def not_now(job: SSEProgress) -> str:
    """Say that a job's state does not allow what was asked."""
    return _("That is not possible now: the job is “%(status)s”.") % {
        "status": job.get_status_display()
    }


def _cells(job: SSEProgress) -> list[str]:
    done = percent(job)
    return [
        job.job_id[:SHORT],
        str(job.get_status_display()),
        "" if done is None else f"{done} %",
        _owner(job),
        _time(job.started_at or job.created_at),
        job.title_text,
        outcome_of(job),
    ]


def _item(item: JobItem) -> str:
    parts = [str(item.get_outcome_display()), item.ref or item.key, item.text]
    if item.decision:
        who = item.decided_by.get_username() if item.decided_by else "?"
        parts.append(f"({item.get_decision_display()}: {who}, {_time(item.decided_at)})")
    return "  ".join(part for part in parts if part)


def _owner(job: SSEProgress) -> str:
    return job.user.get_username() if job.user else _("Scheduled")


def _time(moment: Any) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else ""
