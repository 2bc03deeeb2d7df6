"""Files go when their time is over, or when their job does."""

from __future__ import annotations

from typing import Any

from apps.core.models import SSEProgress
from apps.core.signals import artefacts_due, job_pruned
from apps.reports import store
from apps.reports.models import Report


def remove_expired() -> int:
    """Remove the files that were kept for long enough; their reports stay, to be run again."""
    removed = 0
    for report in Report.objects.expired():
        store.remove(report.stored_name)
        removed += Report.objects.filter(pk=report.pk, stored_name=report.stored_name).update(
            stored_name=""
        )
    return removed


def on_artefacts_due(sender: object, **_kwargs: Any) -> None:
    """Remove what has expired."""
    remove_expired()


def on_pruned(sender: object, *, job: SSEProgress, **_kwargs: Any) -> None:
    """Let a report go with its job, and its file with it."""
    for report in Report.objects.filter(job=job.pk):
        store.remove(report.stored_name)
        store.sweep(report)
        report.delete()


def connect() -> None:
    """Listen to what is pruned, and to the hours."""
    artefacts_due.connect(on_artefacts_due, dispatch_uid="reports.retention")
    job_pruned.connect(on_pruned, dispatch_uid="reports.retention")
