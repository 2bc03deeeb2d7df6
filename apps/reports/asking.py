"""Asking for a report: how big it would be, and starting its job."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.reports import store
from apps.reports.actors import build_report
from apps.reports.kinds import KINDS
from apps.reports.models import LedgerEntry, Report
from apps.reports.periods import Period
from apps.reports.writers import FORMATS, Format


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How big a report would be, and why it can't be made (empty when it can)."""

    rows: int
    bytes: int
    refusal: str

    @property
    def sentence(self) -> str:
        """Say it."""
        rows = ngettext("%(n)s row", "%(n)s rows", self.rows) % {
            "n": number_format(self.rows, force_grouping=True)
        }
        return _("%(rows)s, about %(size)s") % {"rows": rows, "size": filesizeformat(self.bytes)}


def estimate(kind: str, fmt: str, period: Period) -> Estimate:
    """Count the rows that a report would have now."""
    format_ = FORMATS[fmt]
    entries = LedgerEntry.objects.all()
    rows = written = KINDS[kind].count(entries, period)
    if format_.has_details:
        written += KINDS[kind].count_details(entries, period)
    return Estimate(
        rows=rows,
        bytes=format_.least_bytes + written * format_.bytes_a_row if rows else 0,
        refusal=_refusal(format_, rows, written),
    )


def ask(user: AbstractBaseUser, kind: str, fmt: str, period: Period) -> Report:
    """Keep what is asked for and start the job: both, or neither."""
    with transaction.atomic():
        report = Report(owner_id=user.pk, kind=kind, format=fmt, period=period.as_json())
        report.save()
        report.job = build_report.start_for(user, report_id=report.pk)
        # Better than "Building a report" in a list of jobs.
        report.job.title = KINDS[kind].title
        report.job.save(update_fields=["title"])
        report.save(update_fields=["job"])
    return report


def _refusal(format_: Format, rows: int, written: int) -> str:
    if rows == 0:
        return _("No data: the ledger has nothing for this period.")
    if format_.most_rows is not None and rows > format_.most_rows:
        return _("A PDF takes up to %(most)s rows. Choose Excel or CSV, or a shorter period.") % {
            "most": number_format(format_.most_rows, force_grouping=True)
        }
    needed, free = written * format_.working_bytes_a_row, store.free_bytes()
    if needed > free:
        return _("Not enough space on the server: about %(needed)s needed, %(free)s left.") % {
            "needed": filesizeformat(needed),
            "free": filesizeformat(free),
        }
    return ""
