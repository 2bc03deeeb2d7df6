"""The FEC: the file of entries that French companies hand to the tax office.

Article A. 47 A-1 of the tax procedures code (LPF). What the columns hold is in `writers/fec_file`.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from apps.reports.cents import in_cents, total
from apps.reports.document import Cell, Column, Document, Table
from apps.reports.models import Ledger, LedgerEntryQuerySet
from apps.reports.periods import Period

from .base import Asks, Kind, lazily, within

DEBIT, CREDIT = 10, 11
FIELDS = (
    "journal",
    "year",
    "number",
    "date",
    "account",
    "account_label",
    "auxiliary",
    "auxiliary_label",
    "piece",
    "label",
)


class Fec(Kind):
    """All entries of a financial year, in the order of their validation."""

    name = "fec"
    title = gettext_noop("FEC")
    label = gettext_lazy(title)
    about = gettext_lazy(
        "The entries of a financial year as the French tax office asks for them, checked before "
        "the file is offered."
    )
    asks = Asks.YEAR
    formats = ("fec",)

    def count(self, entries: LedgerEntryQuerySet, period: Period) -> int:
        """Count the lines."""
        return within(entries, period).count()

    def document(self, entries: LedgerEntryQuerySet, period: Period, ledger: Ledger) -> Document:
        """Lay out the lines as the ledger has them; the file's own columns are its format's."""
        wanted = within(entries, period)
        sums = wanted.aggregate(
            count=Count("*"), debit=total(in_cents("debit")), credit=total(in_cents("credit"))
        )
        cells = {"date": Cell.DATE, "number": Cell.NUMBER, "year": Cell.NUMBER}
        columns = [Column(label=name, cell=cells.get(name, Cell.TEXT)) for name in FIELDS]
        columns += [
            Column(label=_("Debit"), cell=Cell.CENTS),
            Column(label=_("Credit"), cell=Cell.CENTS),
            Column(label="letter"),
            Column(label="lettered_on", cell=Cell.DATE),
            Column(label="validated_on", cell=Cell.DATE),
        ]
        table = Table(
            name="FEC",
            columns=tuple(columns),
            chunks=lazily(lambda: rows(wanted)),
            count=sums["count"],
            sums={DEBIT: sums["debit"], CREDIT: sums["credit"]},
        )
        return self.lay_out(period, ledger, (table,))


def rows(wanted: LedgerEntryQuerySet) -> QuerySet[Any, tuple[Any, ...]]:
    """Give the lines in the order in which they were validated."""
    return wanted.order_by("validated_on", "pk").values_list(
        *FIELDS,
        in_cents("debit"),
        in_cents("credit"),
        "letter",
        "lettered_on",
        "validated_on",
    )
