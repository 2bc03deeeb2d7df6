"""The VAT summary: what was collected, by month and rate, credit notes apart."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from apps.reports.cents import credit, pretty, total
from apps.reports.document import Cell, Chart, Column, Document, Table
from apps.reports.models import Ledger, LedgerEntryQuerySet, PieceKind
from apps.reports.periods import Period

from .base import Kind, at_hand, within
from .sales_journal import IS_SALE, IS_VAT

INVOICE, NOTE = Q(piece_kind=PieceKind.INVOICE), Q(piece_kind=PieceKind.CREDIT_NOTE)

#: Name of a sum → its lines, in the order of the columns.
AMOUNTS = {
    "base_invoices": total(credit(), IS_SALE & INVOICE),
    "vat_invoices": total(credit(), IS_VAT & INVOICE),
    "base_notes": total(credit(), IS_SALE & NOTE),
    "vat_notes": total(credit(), IS_VAT & NOTE),
    "base": total(credit(), IS_SALE),
    "vat": total(credit(), IS_VAT),
}
HEAD = 2
BASE, COLLECTED = HEAD + 4, HEAD + 5


class VatSummary(Kind):
    """Bases and VAT for the return."""

    name = "vat-summary"
    title = gettext_noop("VAT summary")
    label = gettext_lazy(title)
    about = gettext_lazy(
        "Net amounts and collected VAT by month and rate, reconciled with the ledger."
    )
    formats = ("xlsx", "pdf")

    def count(self, entries: LedgerEntryQuerySet, period: Period) -> int:
        """Count the months' rates."""
        return len(_rows(within(entries, period)))

    def document(self, entries: LedgerEntryQuerySet, period: Period, ledger: Ledger) -> Document:
        """Lay out one table, whose sums are the ledger's own."""
        wanted = within(entries, period)
        rows = _rows(wanted)
        # All lines of the accounts, whatever their month and rate: what the rows must come to.
        sums = wanted.aggregate(**AMOUNTS)
        table = Table(
            name=_("VAT summary"),
            columns=(
                Column(label=_("Month"), width=10),
                Column(label=_("Rate"), cell=Cell.RATE, width=8),
                *(Column(label=label, cell=Cell.CENTS, width=16) for label in _labels()),
            ),
            chunks=at_hand([(f"{month:%Y-%m}", *values) for month, *values in rows]),
            count=len(rows),
            sums=dict(enumerate(sums.values(), start=HEAD)),
        )
        facts = (
            (_("Sales in the ledger (account 706)"), pretty(sums["base"])),
            (_("Collected VAT in the ledger (accounts 44571)"), pretty(sums["vat"])),
        )
        return self.lay_out(period, ledger, (table,), charts=(_chart(rows),), facts=facts)


def _rows(wanted: LedgerEntryQuerySet) -> list[tuple[Any, ...]]:
    rated = wanted.filter(IS_SALE | IS_VAT, vat_rate__isnull=False)
    grouped = rated.order_by().annotate(month=TruncMonth("date")).values("month", "vat_rate")
    summed = grouped.annotate(**AMOUNTS).order_by("month", "-vat_rate")
    return list(summed.values_list("month", "vat_rate", *AMOUNTS))


def _labels() -> list[str]:
    return [
        _("Net of invoices"),
        _("VAT of invoices"),
        _("Net of credit notes"),
        _("VAT of credit notes"),
        _("Net"),
        _("Collected VAT"),
    ]


def _chart(rows: list[tuple[Any, ...]]) -> Chart:
    months = sorted({row[0] for row in rows})
    series: dict[str, list[int]] = {
        _("Invoices"): [0] * len(months),
        _("Credit notes"): [0] * len(months),
    }
    invoices, notes = series.values()
    for row in rows:
        place = months.index(row[0])
        invoices[place] += row[HEAD + 1]
        notes[place] += row[HEAD + 3]
    return Chart(
        title=_("Collected VAT by month"),
        categories=tuple(f"{month:%Y-%m}" for month in months),
        series=series,
    )
