"""What each report says, computed from the ledger alone."""

from __future__ import annotations

import csv
from datetime import date
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.reports.kinds import KINDS
from apps.reports.models import Ledger, LedgerEntry
from apps.reports.periods import Period
from tests.reports.factories import (
    a_busy_spring,
    ask_for,
    build,
    made,
    make_sale,
    period_of,
    post_sales,
    settle,
    text_of,
)

pytestmark = pytest.mark.django_db


def table(kind: str, number: int = 0, period: Period | None = None) -> list[tuple[Any, ...]]:
    document = KINDS[kind].document(
        LedgerEntry.objects.all(), period or period_of(kind), Ledger.load()
    )
    return [row for chunk in document.tables[number].chunks() for row in chunk]


def on(day: date) -> Period:
    return Period(last=day)


def test_the_journal_has_a_row_for_each_piece_with_its_rates() -> None:
    post_sales(
        make_sale(("20", "105.00", "21.00"), ("5.5", "10.00", "0.55"), number="F1", customer="C1"),
        make_sale(("20", "50.00", "10.00"), number="A1", credit_note=True, day=date(2026, 4, 1)),
        make_sale(number="F0", day=date(2025, 12, 31)),
    )

    rows = table("sales-journal")

    assert [row[1] for row in rows] == ["F1", "A1"]
    assert rows[0][3] == "C1"
    # Net and VAT at 20 and at 5.5 %, then net, VAT and total.
    assert rows[0][5:] == (10500, 2100, 1000, 55, 11500, 2155, 13655)
    assert rows[1][5:] == (-5000, -1000, 0, 0, -5000, -1000, -6000)


def test_the_journal_is_summed_up_by_month() -> None:
    a_busy_spring()

    months = table("sales-journal", 1)
    rows = table("sales-journal")

    assert [row[0] for row in months] == ["2026-01", "2026-02", "2026-03", "2026-04"]
    for month in months:
        pieces = [row for row in rows if f"{row[0]:%Y-%m}" == month[0]]
        sums = tuple(map(sum, zip(*(row[5:] for row in pieces), strict=True)))
        assert month[1:] == sums


@pytest.mark.parametrize(
    ("day", "bucket"),
    [
        (date(2026, 4, 1), 3),  # the day it is due
        (date(2026, 4, 2), 4),
        (date(2026, 5, 1), 4),
        (date(2026, 5, 2), 5),
        (date(2026, 5, 31), 5),
        (date(2026, 6, 1), 6),
        (date(2026, 6, 30), 6),
        (date(2026, 7, 1), 7),
    ],
)
def test_an_open_amount_ages(day: date, bucket: int) -> None:
    post_sales(make_sale(day=date(2026, 3, 2), due_in=30, customer="C1"))

    (row,) = table("aged-receivables", period=on(day))

    expected = [0] * 5
    expected[bucket - 3] = 12000
    assert row == ("C1", "Menuiserie C1", 12000, *expected)


def test_what_is_paid_is_open_only_before_the_payment() -> None:
    sale = make_sale(day=date(2026, 3, 2))
    post_sales(sale)
    settle(sale, on=date(2026, 4, 15))

    assert len(table("aged-receivables", period=on(date(2026, 4, 14)))) == 1
    assert table("aged-receivables", period=on(date(2026, 4, 15))) == []


def test_what_is_invoiced_later_is_not_open_yet() -> None:
    post_sales(make_sale(day=date(2026, 3, 2)))

    assert table("aged-receivables", period=on(date(2026, 3, 1))) == []


def test_a_credit_note_is_set_against_what_is_open() -> None:
    post_sales(make_sale(customer="C1"), make_sale(customer="C1", credit_note=True))

    (row,) = table("aged-receivables")

    assert row[2] == 0
    assert [each[5:] for each in table("aged-receivables", 1)] == [(90, -12000), (90, 12000)]


class AnyLedger(TestCase):
    """Whatever is sold and paid, when, and to whom."""

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(1, 3),
                st.dates(date(2026, 1, 1), date(2026, 6, 30)),
                st.integers(0, 90),
                st.booleans(),
                st.none() | st.dates(date(2026, 1, 1), date(2026, 7, 31)),
            ),
            max_size=12,
        )
    )
    def test_a_customers_buckets_come_to_the_balance(self, sold: list[Any]) -> None:
        for customer, day, due_in, credit_note, paid_on in sold:
            sale = make_sale(
                customer=f"C{customer}", day=day, due_in=due_in, credit_note=credit_note
            )
            post_sales(sale)
            if paid_on is not None:
                settle(sale, on=paid_on)
        if not sold:
            post_sales(make_sale(day=date(2026, 12, 1)))
        day = date(2026, 6, 30)

        balances: dict[str, int] = {}
        for customer, _day, _due, credit_note, paid_on in sold:
            if paid_on is None or paid_on > day:
                code = f"C{customer}"
                balances[code] = balances.get(code, 0) + (-12000 if credit_note else 12000)
        rows = table("aged-receivables", period=on(day))
        assert {row[0]: row[2] for row in rows} == balances
        assert all(row[2] == sum(row[3:]) for row in rows)
        assert sum(row[6] for row in table("aged-receivables", 1, on(day))) == sum(
            balances.values()
        )


def test_the_vat_summary_keeps_credit_notes_apart() -> None:
    post_sales(
        make_sale(("20", "100.00", "20.00"), ("10", "30.00", "3.00")),
        make_sale(("20", "40.00", "8.00"), credit_note=True),
        make_sale(("20", "1.00", "0.20"), day=date(2026, 4, 1)),
    )

    rows = [(row[0], int(row[1]), *row[2:]) for row in table("vat-summary")]

    assert rows == [
        ("2026-03", 20, 10000, 2000, -4000, -800, 6000, 1200),
        ("2026-03", 10, 3000, 300, 0, 0, 3000, 300),
        ("2026-04", 20, 100, 20, 0, 0, 100, 20),
    ]


def test_the_vat_summary_agrees_with_the_journal() -> None:
    a_busy_spring()

    summary, journal = table("vat-summary"), table("sales-journal")

    assert sum(row[7] for row in summary) == sum(row[-2] for row in journal)
    assert sum(row[6] for row in summary) == sum(row[-3] for row in journal)


def test_vat_without_a_rate_stops_the_summary() -> None:
    """A line that no row would show must not vanish from the totals."""
    post_sales(make_sale())
    line = LedgerEntry.objects.get(account="44571200")
    line.pk, line.line, line.vat_rate, line._state.adding = None, 9, None, True
    line.save()

    report = build(ask_for("vat-summary", "xlsx"))

    assert report.job is not None
    assert (report.job.status, report.job.error["code"]) == ("failed", "control-totals")
    assert not report.stored_name


def test_the_entries_are_the_ledgers_lines() -> None:
    a_busy_spring()

    rows = list(csv.reader(StringIO(text_of(made("entries", "csv"))), delimiter=";"))

    stored = LedgerEntry.objects.order_by("pk")
    assert len(rows) - 1 == stored.count() == made("entries", "csv").rows
    for row, entry in zip(rows[1:], stored, strict=True):
        assert row[0] == entry.date.isoformat()
        assert row[7:9] == [entry.piece, entry.label]
        assert row[9] == f"{entry.debit:.2f}".replace(".", ",")


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_counts_the_rows_that_it_has(kind: str) -> None:
    a_busy_spring()
    post_sales(make_sale(day=date(2025, 5, 1)))

    count = KINDS[kind].count(LedgerEntry.objects.all(), period_of(kind))

    assert count == len(table(kind)) > 0
