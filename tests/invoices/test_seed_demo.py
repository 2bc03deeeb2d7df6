"""The demo data: the same everywhere, plausible, and unable to reach anybody."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from hashlib import sha256
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.validators import validate_email

from apps.invoices import vat
from apps.invoices.demo_data import SIZES, DemoCustomer, generate
from apps.invoices.demo_data.generator import FAILING
from apps.invoices.demo_data.identifiers import luhn_digit
from apps.invoices.demo_data.places import TOWNS
from apps.invoices.models import (
    Customer,
    Invoice,
)

TODAY = date(2026, 3, 2)
#: A change of the generator changes it, and everybody's demo: do it on purpose.
DIGEST = "0f9aa35e3d0e2f47633364878e32eb4ee5d7dcc4d47a9e5d7c2c9c1b0f9c05f8"


def seed(size: str = "demo") -> str:
    out = StringIO()
    call_command("seed_demo", today=TODAY, size=size, stdout=out)
    return out.getvalue()


def reachable(customer: DemoCustomer) -> bool:
    try:
        validate_email(customer.email)
    except ValidationError:
        return False
    return not customer.email.startswith(("4xx", "5xx"))


def test_the_same_day_gives_the_same_data_on_every_machine() -> None:
    data = generate(TODAY)
    digest = sha256(repr((data, list(data.invoices()))).encode()).hexdigest()

    assert digest == DIGEST


def test_an_invoice_says_whether_goods_or_services_are_sold() -> None:
    invoices = list(generate(TODAY).invoices())

    sold = {
        invoice.lines[0].label: invoice.operation_category
        for invoice in invoices
        if len(invoice.lines) == 1
    }
    assert sold["Livraison et montage"] == sold["Assistance informatique"] == "S1"
    assert sold["Ramette de papier A4 80 g"] == "B1"
    assert {invoice.operation_category for invoice in invoices} == {"B1", "S1", "M1"}


def test_another_seed_gives_other_data() -> None:
    data, other = generate(TODAY), generate(TODAY, seed=1)

    assert other.customers != data.customers
    assert list(other.invoices()) != list(data.invoices())


def test_more_invoices_are_about_the_same_company_and_customers() -> None:
    sample, demo = generate(TODAY, size="sample"), generate(TODAY)

    assert sample.company == demo.company
    assert sample.customers[:50] == demo.customers[:50]


@pytest.mark.parametrize("size", ["demo", "big"])
def test_every_identifier_passes_its_check(size: str) -> None:
    for customer in generate(TODAY, size=size).customers:
        siren = customer.siren
        assert luhn_digit(siren[:-1]) == siren[-1]
        assert customer.vat_number[4:] == siren
        assert (int(siren) * 100 + int(customer.vat_number[2:4]) + 15) % 97 == (
            int(siren) * 100 + (12 + 3 * (int(siren) % 97)) % 97 + 15
        ) % 97


@pytest.mark.parametrize("size", SIZES)
def test_customers_are_told_apart(size: str) -> None:
    customers = generate(TODAY, size=size).customers

    for fact in ("code", "name", "siren"):
        assert len({getattr(each, fact) for each in customers}) == SIZES[size][0]
    addresses = [each.email for each in customers if each.email]
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize("size", SIZES)
def test_no_address_can_belong_to_anybody(size: str) -> None:
    data = generate(TODAY, size=size)

    addresses = [customer.email for customer in data.customers if customer.email]
    addresses += [str(data.company["from_email"]), str(data.company["reply_to"])]
    assert all(address.endswith(".example") for address in addresses)


def test_towns_have_their_own_postcodes() -> None:
    known = {(postcode, city) for postcode, city in TOWNS}

    assert {(each.postcode, each.city) for each in generate(TODAY).customers} <= known


def test_some_customers_have_no_address_or_one_that_fails() -> None:
    customers = generate(TODAY).customers

    counts = Counter(
        each.email[:3] if each.email.startswith(("4xx", "5xx")) else bool(each.email)
        for each in customers
    )
    assert counts[False] > 3
    assert counts["5xx"] >= 3
    assert counts["4xx"] >= 1
    assert counts[True] > 280


def test_the_two_hundred_to_be_sent_first_arrive_but_for_three() -> None:
    data = generate(TODAY)
    by_code = {each.code: each for each in data.customers}

    newest = [by_code[each.customer_code] for each in list(data.invoices())[-200:]]

    failing = sorted(each.email for each in newest if not reachable(each))
    assert failing == sorted(email for _, email in FAILING)


def test_invoices_lie_on_working_days_of_two_years_in_order() -> None:
    days = [each.issue_date for each in generate(TODAY).invoices()]

    assert days == sorted(days)
    assert TODAY - timedelta(days=735) < days[0] < TODAY - timedelta(days=700)
    assert days[-1] <= TODAY
    assert all(day.weekday() < 5 for day in days)


def test_most_invoices_are_paid_some_in_part_and_some_taken_back() -> None:
    invoices = list(generate(TODAY).invoices())

    paid = Counter(min(each.paid_percent, 99) if each.paid_percent else 0 for each in invoices)
    assert 0.65 < paid[99] / len(invoices) < 0.8
    assert 0.03 < sum(paid[part] for part in (30, 50, 70)) / len(invoices) < 0.1
    notes = [each for each in invoices if each.corrects]
    assert len(notes) >= 10
    by_uuid = {each.uuid: each for each in invoices}
    for note in notes:
        assert note.corrects is not None
        corrected = by_uuid[note.corrects]
        assert corrected.customer_code == note.customer_code
        assert corrected.issue_date <= note.issue_date


@pytest.mark.django_db
def test_what_was_written_is_what_validation_would_have_made() -> None:
    seed("sample")

    for invoice in Invoice.objects.prefetch_related("lines").order_by("?")[:40]:
        lines = invoice.lines.all()
        totals = vat.total((line.vat_rate, line.net) for line in lines)
        assert (invoice.total_net, invoice.total_vat) == (totals.net, totals.vat)
        assert [line.net for line in lines] == [
            vat.line_net(line.quantity, line.unit_price) for line in lines
        ]
        assert [line.position for line in lines] == list(range(1, len(lines) + 1))
        assert invoice.buyer_snapshot == invoice.customer.snapshot()
        assert invoice.paid_amount <= invoice.total_gross


@pytest.mark.django_db
def test_again_changes_nothing() -> None:
    seed("sample")
    Customer.objects.filter(code="C0001").update(name="Renamed")

    line = seed("sample")

    assert line.startswith("Already there")
    assert Customer.objects.get(code="C0001").name == "Renamed"
    assert Invoice.objects.count() == 200
