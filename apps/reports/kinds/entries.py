"""The ledger's lines as they are."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from apps.reports.cents import in_cents, total
from apps.reports.document import Cell, Column, Document, Table
from apps.reports.models import Ledger, LedgerEntryQuerySet
from apps.reports.periods import Period

from .base import Kind, lazily, within

DEBIT, CREDIT = 9, 10


class Entries(Kind):
    """One row a line of the ledger."""

    name = "entries"
    title = gettext_noop("Ledger entries")
    label = gettext_lazy(title)
    about = gettext_lazy("Every line of the ledger, debit and credit.")
    formats = ("xlsx", "csv")

    def count(self, entries: LedgerEntryQuerySet, period: Period) -> int:
        """Count the lines."""
        return within(entries, period).count()

    def document(self, entries: LedgerEntryQuerySet, period: Period, ledger: Ledger) -> Document:
        """Lay out one table."""
        wanted = within(entries, period)
        sums = wanted.aggregate(
            count=Count("*"), debit=total(in_cents("debit")), credit=total(in_cents("credit"))
        )
        table = Table(
            name=_("Entries"),
            columns=(
                Column(label=_("Date"), cell=Cell.DATE, width=11),
                Column(label=_("Journal"), width=8),
                Column(label=_("Entry"), cell=Cell.NUMBER, width=9),
                Column(label=_("Account"), width=10),
                Column(label=_("Account label"), width=26),
                Column(label=_("Customer code"), width=12),
                Column(label=_("Customer"), width=30),
                Column(label=_("Piece"), width=14),
                Column(label=_("Label"), width=44),
                Column(label=_("Debit"), cell=Cell.CENTS, width=14),
                Column(label=_("Credit"), cell=Cell.CENTS, width=14),
            ),
            chunks=lazily(lambda: rows(wanted)),
            count=sums["count"],
            sums={DEBIT: sums["debit"], CREDIT: sums["credit"]},
        )
        return self.lay_out(period, ledger, (table,))


def rows(wanted: LedgerEntryQuerySet) -> QuerySet[Any, tuple[Any, ...]]:
    """Give the lines' values in the order of the columns."""
    return wanted.order_by("pk").values_list(
        "date",
        "journal",
        "number",
        "account",
        "account_label",
        "auxiliary",
        "auxiliary_label",
        "piece",
        "label",
        in_cents("debit"),
        in_cents("credit"),
    )
