"""Reports as the pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.job_row import row_of
from apps.core.statuses import Status
from apps.reports.cents import pretty
from apps.reports.kinds import KINDS
from apps.reports.models import Report
from apps.reports.writers import FORMATS


@dataclass(frozen=True, kw_only=True)
class Pill:
    """A state: word, icon and tone."""

    label: Any
    icon: str
    tone: str


READY = Pill(label=pgettext_lazy("report", "Ready"), icon="check", tone="ok")
NO_DATA = Pill(label=_("No data"), icon="skip", tone="")
EXPIRED = Pill(label=pgettext_lazy("report", "Expired"), icon="clock", tone="")
GONE = Pill(label=_("No file"), icon="skip", tone="")


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """A report as a line of the list, and as the head of its page."""

    report: Report
    title: str
    period: str
    format: str
    pill: Pill
    #: Whether somebody works on it, or will.
    is_under_way: bool
    #: Pairs of a column's name and its sum, in words.
    totals: list[tuple[str, str]]


def row(report: Report) -> ReportRow:
    """Describe a report."""
    return ReportRow(
        report=report,
        title=str(KINDS[report.kind].label),
        period=str(report.asked),
        format=str(FORMATS[report.format].label),
        pill=_pill(report),
        is_under_way=report.job is not None and not report.job.is_terminal,
        totals=[(name, pretty(cents)) for name, cents in report.control_totals],
    )


def rows(reports: Iterable[Report]) -> list[ReportRow]:
    """Describe those that this version of the program still knows."""
    return [row(each) for each in reports if each.kind in KINDS and each.format in FORMATS]


def _pill(report: Report) -> Pill:
    job = report.job
    if job is not None and job.status != Status.COMPLETED:
        state = row_of(job)
        return Pill(label=state.label, icon=state.icon, tone=state.tone)
    if report.is_expired:
        return EXPIRED
    if report.has_file:
        return READY
    return NO_DATA if job is not None else GONE
