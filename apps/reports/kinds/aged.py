"""Aged receivables: what customers owe on a day, by how long it has been due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.db.models import F, Max, Min, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from apps.reports.accounts import CUSTOMERS
from apps.reports.cents import debit, total
from apps.reports.document import Cell, Chart, Chunk, Column, Document, Table
from apps.reports.errors import ControlTotalsError
from apps.reports.models import Ledger, LedgerEntryQuerySet
from apps.reports.periods import Period

from .base import Asks, Kind, lazily, within

#: Days after the due date at which a bucket ends.
ENDS = (30, 60, 90)
BALANCE, FIRST_BUCKET = 2, 3
DUE = Coalesce("due_date", F("date"))
#: Customers in the chart.
SHOWN = 10


class AgedReceivables(Kind):
    """Customers' open amounts in buckets of thirty days."""

    name = "aged-receivables"
    title = gettext_noop("Aged receivables")
    label = gettext_lazy(title)
    about = gettext_lazy("What each customer owes on a day, and since when it has been due.")
    asks = Asks.DAY
    formats = ("xlsx", "csv", "pdf")

    def count(self, entries: LedgerEntryQuerySet, period: Period) -> int:
        """Count the customers who owe something."""
        return _open(entries, period.last).values("auxiliary").distinct().count()

    def count_details(self, entries: LedgerEntryQuerySet, period: Period) -> int:
        """Count the open pieces."""
        return _open(entries, period.last).values("piece").distinct().count()

    def document(self, entries: LedgerEntryQuerySet, period: Period, ledger: Ledger) -> Document:
        """Lay out the customers, and behind them their open pieces."""
        wanted = _open(entries, period.last)
        amounts = {"balance": total(debit()), **_buckets(period.last)}
        sums = tuple(wanted.aggregate(**amounts).values())
        customers = _by_customer(wanted, amounts)
        labels = _bucket_labels()
        by_customer = Table(
            name=_("Aged receivables"),
            columns=(
                Column(label=_("Customer code"), width=12),
                Column(label=_("Customer"), width=34),
                *(
                    Column(label=label, cell=Cell.CENTS, width=14)
                    for label in (_("Open balance"), *labels)
                ),
            ),
            chunks=lambda: map(_balanced, lazily(lambda: customers)()),
            count=self.count(entries, period),
            sums=dict(enumerate(sums, start=BALANCE)),
        )
        by_age = Chart(
            title=_("Open balance by age"),
            categories=tuple(labels),
            series={_("Open balance"): sums[1:]},
        )
        return self.lay_out(
            period,
            ledger,
            (by_customer, _pieces(wanted, period.last, sums[0])),
            charts=(by_age, _largest(customers, labels)),
        )


def _open(entries: LedgerEntryQuerySet, day: date) -> LedgerEntryQuerySet:
    """Keep the customers' lines that nothing had been matched with on that day."""
    unpaid = Q(letter="") | Q(lettered_on__gt=day)
    lines = within(entries, Period(last=day)).filter(unpaid, account=CUSTOMERS.number)
    return lines.alias(due=DUE)


def _buckets(day: date) -> dict[str, Any]:
    """Sum the amounts up by the days that they have been due."""
    edges = [day - timedelta(days=end) for end in ENDS]
    wheres = [Q(due__gte=day)]
    wheres += [
        Q(due__lt=later, due__gte=earlier)
        for later, earlier in zip([day, *edges[:-1]], edges, strict=True)
    ]
    wheres.append(Q(due__lt=edges[-1]))
    return {f"bucket_{n}": total(debit(), where) for n, where in enumerate(wheres)}


def _bucket_labels() -> list[str]:
    starts = (1, *(end + 1 for end in ENDS[:-1]))
    return [
        _("Not due"),
        *(
            _("%(first)s to %(last)s days") % {"first": first, "last": last}
            for first, last in zip(starts, ENDS, strict=True)
        ),
        _("Over %(days)s days") % {"days": ENDS[-1]},
    ]


def _by_customer(wanted: LedgerEntryQuerySet, amounts: dict[str, Any]) -> Any:
    grouped = wanted.order_by("auxiliary").values("auxiliary")
    named = grouped.annotate(name=Max("auxiliary_label"), **amounts)
    return named.values_list("auxiliary", "name", *amounts)


def _balanced(chunk: Chunk) -> Chunk:
    """Let customers pass whose buckets come to their balance.

    Raises:
        ControlTotalsError: one's don't.
    """
    for row in chunk:
        buckets = sum(row[FIRST_BUCKET:])
        if buckets != row[BALANCE]:
            raise ControlTotalsError(str(row[0]), row[BALANCE], buckets)
    return chunk


def _pieces(wanted: LedgerEntryQuerySet, day: date, balance: int) -> Table:
    """Lay out the open pieces, one a row."""
    # With what was paid on account; a payment is as old as what it pays.
    rows = (
        wanted.order_by()
        .values("auxiliary", "piece")
        .annotate(name=Max("auxiliary_label"), day=Min("date"), until=Min(DUE), left=total(debit()))
        .order_by("auxiliary", "day", "piece")
        .values_list("auxiliary", "name", "piece", "day", "until", "left")
    )

    def with_days(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            yield [(*row[:5], max(0, (day - row[4]).days), row[5]) for row in chunk]

    return Table(
        name=_("Open pieces"),
        columns=(
            Column(label=_("Customer code"), width=12),
            Column(label=_("Customer"), width=34),
            Column(label=_("Piece"), width=14),
            Column(label=_("Date"), cell=Cell.DATE, width=11),
            Column(label=_("Due"), cell=Cell.DATE, width=11),
            Column(label=_("Days late"), cell=Cell.NUMBER, width=9),
            Column(label=_("Open balance"), cell=Cell.CENTS, width=14),
        ),
        chunks=lambda: with_days(lazily(lambda: rows)()),
        count=wanted.values("piece").distinct().count(),
        sums={6: balance},
    )


def _largest(customers: Any, labels: list[str]) -> Chart:
    """Draw those who owe most."""
    largest = list(customers.order_by("-balance", "auxiliary")[:SHOWN])
    return Chart(
        title=_("Largest open balances"),
        lies=True,
        categories=tuple(row[1] for row in largest),
        series={
            label: [row[FIRST_BUCKET + n] for row in largest] for n, label in enumerate(labels)
        },
    )
