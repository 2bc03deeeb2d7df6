"""The demo data: the same everywhere, plausible, and unable to reach anybody."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.validators import validate_email

from apps.invoices import invoice_list, seeding
from apps.invoices.demo_data import generate
from apps.invoices.demo_data.generator import FAILING
from apps.invoices.demo_data.identifiers import luhn_digit
from apps.invoices.models import Customer, Invoice, InvoiceLine

TODAY = date(2026, 3, 2)
#: A change of the generator changes it, and everybody's demo: do it on purpose.
DIGEST = "68ec983cfb4040c3f0054530d56f311537edccdaad8bbc8d38dd4196ac44db07"


def seed() -> str:
    out = StringIO()
    call_command("seed_demo", today=TODAY, stdout=out)
    return out.getvalue()


def test_the_same_day_gives_the_same_data_on_every_machine() -> None:
    digest = sha256(repr(generate(TODAY)).encode()).hexdigest()

    assert digest == DIGEST


def test_another_seed_gives_other_data() -> None:
    assert generate(TODAY, seed=1).invoices != generate(TODAY).invoices


def test_every_identifier_passes_its_check() -> None:
    for customer in generate(TODAY).customers:
        siren = customer.siren
        assert luhn_digit(siren[:-1]) == siren[-1]
        assert customer.vat_number[4:] == siren
        assert (int(siren) * 100 + int(customer.vat_number[2:4]) + 15) % 97 == (
            int(siren) * 100 + (12 + 3 * (int(siren) % 97)) % 97 + 15
        ) % 97


def test_customers_are_told_apart() -> None:
    customers = generate(TODAY).customers

    for fact in ("code", "name", "siren"):
        assert len({getattr(each, fact) for each in customers}) == len(customers) == 200


def test_no_address_can_belong_to_anybody() -> None:
    data = generate(TODAY)

    addresses = [customer.email for customer in data.customers]
    addresses += [str(data.company["from_email"]), str(data.company["reply_to"])]
    assert all(address.endswith(".example") for address in addresses)


def test_only_the_three_failing_addresses_fail() -> None:
    wrong = set()
    for customer in generate(TODAY).customers:
        try:
            validate_email(customer.email)
        except ValidationError:
            wrong.add(customer.email)
        if customer.email.startswith(("4xx", "5xx", "drop")):
            wrong.add(customer.email)

    assert wrong == {email for _, email in FAILING}


@pytest.mark.django_db
def test_it_makes_a_company_customers_invoices_and_logins() -> None:
    line = seed()

    assert "200 customers, 500 invoices" in line
    assert Invoice.objects.validated().count() == 500
    assert InvoiceLine.objects.values("vat_rate").distinct().count() == 5
    demo, claire = (
        authenticate(username=name, password=seeding.password_of(name))
        for name in ("demo", "claire")
    )
    assert demo is not None
    assert demo.is_staff
    assert not demo.is_superuser
    assert claire is not None
    assert not claire.is_staff


@pytest.mark.django_db
def test_again_changes_nothing() -> None:
    seed()
    Customer.objects.filter(code="C0001").update(name="Renamed")

    line = seed()

    assert line.startswith("Already there")
    assert Customer.objects.get(code="C0001").name == "Renamed"
    assert Invoice.objects.count() == 500


@pytest.mark.django_db
def test_the_first_page_of_the_list_has_the_three_failing_invoices() -> None:
    seed()

    filters = invoice_list.Filters()
    first_page = invoice_list.invoices(filters)[: filters.page_size]

    failing = {email for _, email in FAILING}
    found = [each.customer.email for each in first_page if each.customer.email in failing]
    assert sorted(found) == sorted(failing)
    assert Invoice.objects.filter(customer__email__in=failing).count() == 3


@pytest.mark.django_db
def test_numbers_follow_the_dates() -> None:
    seed()

    rows = Invoice.objects.order_by("issue_date", "number").values_list("number", flat=True)
    numbers = [str(number) for number in rows]
    assert numbers == sorted(numbers)
