"""The job that makes a report."""

from __future__ import annotations

from django.utils.translation import gettext_noop, ngettext_lazy

from apps.core.actors import progress_actor
from apps.core.tracker import ProgressTracker
from apps.reports.building import build
from apps.reports.models import Report

#: The job's unit, marked for the translators; the job keeps the msgids.
UNIT = ngettext_lazy("row", "rows")


@progress_actor(
    task_type="report",
    queue_name="reports",
    title=gettext_noop("Building a report"),
    unit=("row", "rows"),
)
def build_report(progress: ProgressTracker, report_id: int) -> None:
    """Make the file of a report that somebody asked for."""
    build(progress, Report.objects.select_related("owner").get(pk=report_id))
