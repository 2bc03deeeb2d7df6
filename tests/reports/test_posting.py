"""Sales become entries: balanced, numbered, once, and for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from apps.reports.errors import ImmutableEntryError, UnbalancedSaleError
from apps.reports.models import Ledger, LedgerEntry
from apps.reports.posting import post, write
from apps.reports.sales import entry_of
from tests.reports.factories import NAME, SIREN, Amounts, make_sale, post_sales

pytestmark = pytest.mark.django_db


def lines(**filters: Any) -> list[tuple[str, str, str]]:
    found = LedgerEntry.objects.filter(**filters).order_by("number", "line")
    return [(each.account, f"{each.debit:.2f}", f"{each.credit:.2f}") for each in found]


def test_an_invoice_is_debited_to_its_customer_and_credited_to_sales_and_vat_per_rate() -> None:
    post_sales(make_sale(("20", "105.00", "21.00"), ("5.5", "10.00", "0.55")))

    assert lines() == [
        ("411000", "136.55", "0.00"),
        ("706000", "0.00", "105.00"),
        ("44571200", "0.00", "21.00"),
        ("706000", "0.00", "10.00"),
        ("44571055", "0.00", "0.55"),
    ]


def test_a_credit_note_goes_the_other_way_round() -> None:
    post_sales(make_sale(credit_note=True))

    assert lines() == [
        ("411000", "0.00", "120.00"),
        ("706000", "100.00", "0.00"),
        ("44571200", "20.00", "0.00"),
    ]


def test_a_rate_below_zero_changes_sides() -> None:
    post_sales(make_sale(("20", "100.00", "20.00"), ("10", "-10.00", "-1.00")))

    assert lines()[-2:] == [("706000", "10.00", "0.00"), ("44571100", "1.00", "0.00")]


def test_amounts_of_nothing_have_no_line() -> None:
    assert post_sales(make_sale(("0", "50.00", "0.00")), make_sale(("20", "0.00", "0.00"))) == 1
    assert lines() == [("411000", "50.00", "0.00"), ("706000", "0.00", "50.00")]


def test_the_customers_line_names_the_customer_and_the_day_it_is_due() -> None:
    post_sales(make_sale(customer="C0007", name="Aubry\t& Fils|SARL", day=date(2026, 5, 1)))

    line = LedgerEntry.objects.get(line=1)
    assert (line.auxiliary, line.auxiliary_label) == ("C0007", "Aubry & Fils SARL")
    assert line.due_date == date(2026, 5, 31)
    assert "\t" not in line.label


def test_a_sale_is_posted_once() -> None:
    sale = make_sale()

    assert [post_sales(sale), post_sales(sale, make_sale()), post_sales(sale)] == [1, 1, 0]
    assert LedgerEntry.objects.filter(piece=sale.number).count() == 3


def test_the_database_refuses_a_second_entry_for_a_piece() -> None:
    sale = make_sale()
    post_sales(sale)

    with pytest.raises(IntegrityError), transaction.atomic():
        write(entry_of(sale, number=2, validated_on=date(2026, 3, 2)))


def test_entries_are_numbered_without_gaps_in_each_year() -> None:
    post_sales(make_sale(day=date(2025, 12, 31)), make_sale(), make_sale())
    with pytest.raises(UnbalancedSaleError):
        post_sales(make_sale(), replace(make_sale(), gross=Decimal("1")))
    post_sales(make_sale(), make_sale(day=date(2025, 12, 31)))

    numbers = LedgerEntry.objects.filter(line=1).order_by("pk").values_list("year", "number")
    assert list(numbers) == [(2025, 1), (2026, 1), (2026, 2), (2026, 3), (2025, 2)]


def test_the_ledger_knows_whose_it_is() -> None:
    post_sales(make_sale())
    post([make_sale()], siren=SIREN, name="Comptoir du Héron SA")

    assert Ledger.load().name == "Comptoir du Héron SA"
    assert Ledger.objects.count() == 1


def test_the_database_refuses_a_line_with_both_sides_or_none() -> None:
    post_sales(make_sale())
    line = LedgerEntry.objects.get(line=1)
    for debit, credit in (("1", "1"), ("0", "0"), ("-1", "0")):
        line.pk, line.line, line._state.adding = None, 9, True
        line.debit, line.credit = Decimal(debit), Decimal(credit)
        with pytest.raises(IntegrityError), transaction.atomic():
            line.save()


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.save(),
        lambda line: line.save(update_fields=["debit"]),
        lambda line: line.delete(),
        lambda line: LedgerEntry.objects.update(label="other"),
        lambda line: LedgerEntry.objects.bulk_update([line], ["label"]),
        lambda line: LedgerEntry.objects.filter(pk=line.pk).delete(),
    ],
)
def test_a_line_never_changes(change: Any) -> None:
    post_sales(make_sale())
    line = LedgerEntry.objects.get(line=1)
    line.debit += 1

    with pytest.raises(ImmutableEntryError):
        change(line)

    assert LedgerEntry.objects.get(line=1).debit == Decimal("120.00")


cents = st.integers(-10_000_000, 10_000_000).map(lambda n: f"{Decimal(n) / 100:.2f}")
rates = st.tuples(st.sampled_from(["20", "10", "5.5", "2.1", "0"]), cents, cents)


@given(st.lists(rates, min_size=1, max_size=6), st.booleans())
def test_every_entry_balances(amounts: list[Amounts], credit_note: bool) -> None:
    sale = make_sale(*amounts, credit_note=credit_note)

    entry = entry_of(sale, number=1, validated_on=sale.issued_on)

    assert sum(line.debit for line in entry) == sum(line.credit for line in entry)
    assert all((line.debit > 0) != (line.credit > 0) for line in entry)
    assert [line.line for line in entry] == list(range(1, len(entry) + 1))


def test_the_books_of_many_sales_balance() -> None:
    post_sales(*(make_sale(credit_note=n % 3 == 0) for n in range(30)))

    sums = LedgerEntry.objects.aggregate(debit=Sum("debit"), credit=Sum("credit"))
    assert sums["debit"] == sums["credit"] == Decimal("3600.00")
    assert NAME in str(Ledger.load())
