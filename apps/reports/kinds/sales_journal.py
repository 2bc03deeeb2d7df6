"""The sales journal: one row an invoice or credit note, with net amount and VAT per rate."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import TruncMonth
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from apps.reports.accounts import CUSTOMERS, SALES, SALES_JOURNAL, VAT
from apps.reports.cents import credit, debit, total
from apps.reports.document import Cell, Chart, Column, Document, Table
from apps.reports.models import Ledger, LedgerEntryQuerySet, PieceKind
from apps.reports.periods import Period

from .base import Kind, at_hand, lazily, within

#: Columns before the amounts, in the journal and in its months.
HEAD, MONTHS_HEAD = 5, 1

IS_SALE = Q(account=SALES.number)
IS_VAT = Q(account__startswith=VAT)


class SalesJournal(Kind):
    """What was sold, piece by piece, with subtotals a month."""

    name = "sales-journal"
    title = gettext_noop("Sales journal")
    label = gettext_lazy(title)
    about = gettext_lazy(
        "Each invoice and credit note with its net amount and VAT per rate, summed up by month."
    )
    formats = ("xlsx", "csv", "pdf")

    def count(self, entries: LedgerEntryQuerySet, period: Period) -> int:
        """Count the pieces."""
        return _sales(entries, period).filter(line=1).count()

    def document(self, entries: LedgerEntryQuerySet, period: Period, ledger: Ledger) -> Document:
        """Lay out the journal and its months."""
        wanted = _sales(entries, period)
        rates = _rates(wanted)
        amounts = _amounts(rates)
        sums = tuple(wanted.aggregate(**amounts).values())
        months = _months(wanted, amounts)
        amount_columns = _amount_columns(rates)
        journal = Table(
            name=_("Sales journal"),
            columns=(
                Column(label=_("Date"), cell=Cell.DATE, width=11),
                Column(label=_("Number"), width=14),
                Column(label=_("Kind"), width=10),
                Column(label=_("Customer code"), width=12),
                Column(label=_("Customer"), width=30),
                *amount_columns,
            ),
            chunks=lambda: map(_named, lazily(lambda: _pieces(wanted, amounts))()),
            count=self.count(entries, period),
            sums=dict(enumerate(sums, start=HEAD)),
            months_by=0,
        )
        by_month = Table(
            name=_("By month"),
            columns=(Column(label=_("Month"), width=10), *amount_columns),
            chunks=at_hand([(f"{month:%Y-%m}", *values) for month, *values in months]),
            count=len(months),
            sums=dict(enumerate(sums, start=MONTHS_HEAD)),
        )
        return self.lay_out(period, ledger, (journal, by_month), charts=(_chart(months, rates),))


def percent(rate: Decimal) -> str:
    """Write a rate in the active language."""
    return f"{number_format(rate.normalize() + 0, use_l10n=True)}\N{NO-BREAK SPACE}%"


def _sales(entries: LedgerEntryQuerySet, period: Period) -> LedgerEntryQuerySet:
    return within(entries, period).filter(journal=SALES_JOURNAL)


def _rates(wanted: LedgerEntryQuerySet) -> list[Decimal]:
    """Find the rates there are, from the highest to the lowest."""
    found = wanted.filter(vat_rate__isnull=False).order_by("-vat_rate")
    rates = found.values_list("vat_rate", flat=True).distinct()
    return [rate for rate in rates if rate is not None]


def _amounts(rates: list[Decimal]) -> dict[str, Any]:
    """Name the sums of a piece, in the order of their columns."""
    amounts: dict[str, Any] = {}
    for number, rate in enumerate(rates):
        amounts[f"net_{number}"] = total(credit(), IS_SALE & Q(vat_rate=rate))
        amounts[f"vat_{number}"] = total(credit(), IS_VAT & Q(vat_rate=rate))
    amounts["net"] = total(credit(), IS_SALE)
    amounts["vat"] = total(credit(), IS_VAT)
    amounts["gross"] = total(debit(), Q(account=CUSTOMERS.number))
    return amounts


def _amount_columns(rates: list[Decimal]) -> tuple[Column, ...]:
    labels = []
    for rate in rates:
        labels += [
            _("Net at %(rate)s") % {"rate": percent(rate)},
            _("VAT at %(rate)s") % {"rate": percent(rate)},
        ]
    labels += [_("Net"), _("VAT"), _("Total with VAT")]
    return tuple(Column(label=label, cell=Cell.CENTS, width=13) for label in labels)


def _pieces(wanted: LedgerEntryQuerySet, amounts: dict[str, Any]) -> QuerySet[Any, Any]:
    head = {
        "kind": Max("piece_kind"),
        "code": Max("auxiliary"),
        "customer": Max("auxiliary_label"),
    }
    grouped = wanted.order_by("date", "piece").values("date", "piece").annotate(**head, **amounts)
    return grouped.values_list("date", "piece", *head, *amounts)


def _named(chunk: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
    """Say in words which pieces are credit notes."""
    names = {PieceKind.INVOICE: _("Invoice"), PieceKind.CREDIT_NOTE: _("Credit note")}
    return [(*row[:2], names[PieceKind(row[2])], *row[3:]) for row in chunk]


def _months(wanted: LedgerEntryQuerySet, amounts: dict[str, Any]) -> list[tuple[Any, ...]]:
    grouped = wanted.order_by().annotate(month=TruncMonth("date")).values("month")
    summed = grouped.annotate(**amounts).order_by("month")
    return list(summed.values_list("month", *amounts))


def _chart(months: list[tuple[Any, ...]], rates: list[Decimal]) -> Chart:
    return Chart(
        title=_("Net sales by month and VAT rate"),
        categories=tuple(f"{month:%Y-%m}" for month, *_values in months),
        series={
            percent(rate): [row[1 + 2 * number] for row in months]
            for number, rate in enumerate(rates)
        },
    )
