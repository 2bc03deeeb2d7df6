"""The whole demo data set, as it lies in the database; seeded once for all of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import transaction

from apps.invoices import invoice_list, seeding
from apps.invoices.demo_data.generator import FAILING
from apps.invoices.models import Delivery, DeliveryStatus, Invoice, InvoiceLine, Mailing
from apps.invoices.signals import invoices_paid, invoices_validated

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 2)


@dataclass
class Seeded:
    """What was said while the data were made, and who was told of which invoices."""

    line: str = ""
    validated: list[list[Invoice]] = field(default_factory=list)
    paid: list[list[Invoice]] = field(default_factory=list)


@pytest.fixture(scope="module", autouse=True)
def seeded(django_db_setup: None, django_db_blocker: Any) -> Iterator[Seeded]:
    """Seed, around the transactions of all tests here, and take it back after the last one."""
    found, out = Seeded(), StringIO()

    def hear(sender: type[Invoice], invoices: list[Invoice], **_: Any) -> None:
        found.validated.append(invoices)

    def hear_paid(sender: type[Invoice], invoices: list[Invoice], **_: Any) -> None:
        found.paid.append(invoices)

    invoices_validated.connect(hear)
    invoices_paid.connect(hear_paid)
    with django_db_blocker.unblock(), transaction.atomic():
        try:
            call_command("seed_demo", today=TODAY, stdout=out)
        finally:
            invoices_validated.disconnect(hear)
            invoices_paid.disconnect(hear_paid)
        found.line = out.getvalue()
        yield found
        transaction.set_rollback(True)


def test_it_makes_a_company_customers_invoices_and_logins(seeded: Seeded) -> None:
    assert "300 customers, 3000 invoices" in seeded.line
    assert Invoice.objects.validated().count() == 3000
    assert InvoiceLine.objects.values("vat_rate").distinct().count() == 5
    demo, claire = (
        authenticate(username=name, password=seeding.password_of(name))
        for name in ("demo", "claire")
    )
    assert demo is not None
    assert demo.is_staff
    assert not demo.is_superuser
    assert demo.email.endswith(".example")
    assert claire is not None
    assert not claire.is_staff


def test_other_rooms_hear_of_every_invoice_and_payment_in_few_calls(seeded: Seeded) -> None:
    told = [invoice for invoices in seeded.validated for invoice in invoices]
    assert {each.number for each in told} == set(Invoice.objects.values_list("number", flat=True))
    assert len(seeded.validated) <= 4
    assert all(sum(rate.net for rate in each.per_rate) == each.total_net for each in told)
    with_payments = Invoice.objects.filter(paid_amount__gt=0).values_list("number", flat=True)
    assert {each.number for each in seeded.paid[0] + seeded.paid[1]} == set(with_payments)


def test_what_is_old_was_sent_and_the_newest_wait() -> None:
    counts = {tab.name: tab.count for tab in invoice_list.tabs(invoice_list.Filters())}
    assert counts["sent"] > 2400
    assert 400 <= counts["unsent"] < 600
    assert Delivery.objects.filter(status=DeliveryStatus.ACCEPTED).count() == counts["sent"]
    assert Mailing.objects.count() >= 1


def test_the_first_page_of_the_list_has_the_three_failing_invoices() -> None:
    filters = invoice_list.Filters()
    first_page = invoice_list.invoices(filters)[: filters.page_size]

    failing = {email for _, email in FAILING}
    found = [each.customer.email for each in first_page if each.customer.email in failing]
    assert sorted(found) == sorted(failing)
    assert Invoice.objects.filter(customer__email__in=failing).count() == 3


def test_numbers_follow_the_dates() -> None:
    for prefix in ("F", "A"):
        rows = Invoice.objects.filter(number__startswith=prefix).order_by("issue_date", "number")
        numbers = [str(number) for number in rows.values_list("number", flat=True)]
        assert numbers == sorted(numbers)
