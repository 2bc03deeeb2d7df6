"""Payments become entries, and letter what they pay."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from apps.reports.models import LedgerEntry
from apps.reports.receipts import Payment, receive
from apps.reports.sales import Sale
from tests.reports.factories import made, make_sale, post_sales, settle, text_of

pytestmark = pytest.mark.django_db

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)


def pay(sale: Sale, total: str, on: date = APRIL) -> int:
    return receive([Payment(number=sale.number, total=Decimal(total), paid_on=on)])


def bank() -> list[tuple[str, str, str, str]]:
    found = LedgerEntry.objects.filter(journal="BQ").order_by("year", "number", "line")
    return [
        (each.account, each.auxiliary, f"{each.debit:.2f}", f"{each.credit:.2f}") for each in found
    ]


def letters(sale: Sale) -> set[tuple[str, date | None]]:
    found = LedgerEntry.objects.filter(piece=sale.number, account="411000")
    return set(found.values_list("letter", "lettered_on"))


def test_a_payment_is_debited_to_the_bank_and_credited_to_the_customer() -> None:
    sale = make_sale(customer="C7")
    post_sales(sale, make_sale())

    assert pay(sale, "120.00") == 1

    assert bank() == [("512000", "", "120.00", "0.00"), ("411000", "C7", "0.00", "120.00")]
    assert letters(sale) == {(sale.number, APRIL)}
    assert LedgerEntry.objects.exclude(letter="").count() == 2


def test_the_same_payment_told_again_changes_nothing() -> None:
    sale = make_sale()
    post_sales(sale)

    assert [pay(sale, "120.00"), pay(sale, "120.00", MAY)] == [1, 0]

    assert letters(sale) == {(sale.number, APRIL)}


def test_a_part_leaves_the_rest_open_until_it_is_paid() -> None:
    sale = make_sale()
    post_sales(sale)

    pay(sale, "50.00")
    assert letters(sale) == {("", None)}
    pay(sale, "120.00", MAY)

    assert [row[2:] for row in bank()] == [
        ("50.00", "0.00"),
        ("0.00", "50.00"),
        ("70.00", "0.00"),
        ("0.00", "70.00"),
    ]
    assert letters(sale) == {(sale.number, MAY)}


def test_a_payment_taken_back_opens_the_piece_again() -> None:
    sale = make_sale()
    post_sales(sale)
    pay(sale, "120.00")

    pay(sale, "20.00", MAY)

    assert bank()[-2:] == [("512000", "", "0.00", "100.00"), ("411000", "C0001", "100.00", "0.00")]
    assert letters(sale) == {("", None)}


def test_a_credit_note_is_paid_to_the_customer() -> None:
    note = make_sale(credit_note=True)
    post_sales(note)

    pay(note, "120.00")

    assert bank() == [("512000", "", "0.00", "120.00"), ("411000", "C0001", "120.00", "0.00")]
    assert letters(note) == {(note.number, APRIL)}


def test_payments_of_what_was_never_sold_are_left_out() -> None:
    assert pay(make_sale(), "120.00") == 0
    post_sales(make_sale())
    assert pay(make_sale(), "120.00") == 0
    assert bank() == []


def test_entries_are_numbered_in_each_year_by_themselves() -> None:
    sales = [make_sale() for _ in range(4)]
    post_sales(*sales)

    settle(sales[0], on=APRIL)
    settle(sales[1], on=date(2027, 1, 4))
    settle(sales[2], sales[3], on=MAY)

    numbers = LedgerEntry.objects.filter(journal="BQ", line=1).order_by("pk")
    assert list(numbers.values_list("year", "number")) == [
        (2026, 1),
        (2027, 1),
        (2026, 2),
        (2026, 3),
    ]


def test_the_books_balance_with_payments_and_the_fec_passes() -> None:
    sales = [make_sale(credit_note=n % 4 == 0) for n in range(12)]
    post_sales(*sales)
    settle(*sales[::2], on=APRIL)
    pay(sales[1], "0.01")

    sums = LedgerEntry.objects.aggregate(debit=Sum("debit"), credit=Sum("credit"))
    assert sums["debit"] == sums["credit"]
    assert text_of(made("fec", "fec")).count("BQ2026-") == 14


def test_what_is_paid_on_account_makes_the_piece_smaller_not_two() -> None:
    sale = make_sale(customer="C7")
    post_sales(sale)
    pay(sale, "50.00")

    lines = text_of(made("aged-receivables", "csv")).splitlines()

    assert lines[1].startswith("C7;Menuiserie C7;70,00;")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL knows its data, and chooses")
def test_pieces_are_found_without_reading_the_ledger() -> None:
    sales = [make_sale() for _ in range(3)]
    with CaptureQueriesContext(connection) as asked:
        post_sales(*sales)
        receive([Payment(number=each.number, total=Decimal(1), paid_on=APRIL) for each in sales])

    about_pieces = [each["sql"] for each in asked if '"piece" IN (' in each["sql"]]
    assert len(about_pieces) >= 3
    for sql in about_pieces:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plans = [step[3] for step in cursor.fetchall()]
        assert any("reports_by_piece" in plan for plan in plans), plans
