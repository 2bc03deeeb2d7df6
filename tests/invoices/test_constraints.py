"""What the database refuses, and what a validated invoice refuses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.invoices.errors import ImmutableInvoiceError
from apps.invoices.models import (
    ACTIVE,
    Company,
    Delivery,
    DeliveryStatus,
    Invoice,
    InvoiceLine,
    InvoiceStatus,
)
from tests.invoices.factories import make_company, make_delivery, make_draft, make_invoice

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "wrong",
    [
        {"due_date": date(2026, 3, 1)},
        {"total_gross": Decimal("0.01")},
        {"status": InvoiceStatus.VALIDATED},
        {"number": "F2026-00001"},
        {"kind": 999},
    ],
    ids=["due before issue", "gross", "validated without number", "numbered draft", "kind"],
)
def test_the_database_refuses_an_invoice_that_cannot_be(wrong: dict[str, Any]) -> None:
    draft = make_draft(issue_date=date(2026, 3, 2))

    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.filter(pk=draft.pk).update(**wrong)


@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    net=st.decimals(min_value=0, max_value=9_999_999, places=2),
    tax=st.decimals(min_value=0, max_value=9_999_999, places=2),
)
def test_the_database_takes_every_gross_that_is_right_to_the_cent(
    net: Decimal, tax: Decimal
) -> None:
    draft = make_draft()

    Invoice.objects.filter(pk=draft.pk).update(total_net=net, total_vat=tax, total_gross=net + tax)

    draft.refresh_from_db()
    assert draft.total_gross == draft.total_net + draft.total_vat


def test_the_database_refuses_an_unknown_vat_rate() -> None:
    draft = make_draft()

    with pytest.raises(IntegrityError), transaction.atomic():
        draft.lines.update(vat_rate=Decimal("19.6"))


def test_the_database_refuses_two_lines_in_one_place() -> None:
    draft = make_draft(lines=(("1", "1", "20"), ("1", "1", "20")))

    with pytest.raises(IntegrityError), transaction.atomic():
        draft.lines.update(position=1)


def test_there_is_one_company() -> None:
    make_company()
    facts = {name: value for name, value in make_company().snapshot().items() if name == "siren"}

    with pytest.raises(IntegrityError), transaction.atomic():
        Company.objects.bulk_create([Company(pk=2, from_email="a@b.example", **facts)])


@pytest.mark.parametrize("status", ACTIVE)
def test_the_database_refuses_a_second_delivery_while_one_is_active(status: str) -> None:
    first = make_delivery()
    Delivery.objects.filter(pk=first.pk).update(status=status)

    with pytest.raises(IntegrityError), transaction.atomic():
        _another(first)


@pytest.mark.parametrize("status", sorted(set(DeliveryStatus) - set(ACTIVE)))
def test_a_second_delivery_is_possible_once_the_first_came_to_nothing(status: str) -> None:
    first = make_delivery()
    Delivery.objects.filter(pk=first.pk).update(status=status)

    second = _another(first)

    assert second.generation == 2


def test_the_database_refuses_a_message_id_twice() -> None:
    first, second = make_delivery(), make_delivery()

    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.filter(pk=second.pk).update(message_id=first.message_id)


def test_a_validated_invoice_cannot_be_changed() -> None:
    invoice = make_invoice()
    invoice.due_date = date(2027, 1, 1)

    with pytest.raises(ImmutableInvoiceError, match="credit note"):
        invoice.save()
    with pytest.raises(ImmutableInvoiceError):
        Invoice.objects.filter(pk=invoice.pk).update(currency="USD")
    with pytest.raises(ImmutableInvoiceError):
        Invoice.objects.bulk_update([invoice], ["due_date"])


def test_a_validated_invoice_cannot_be_deleted() -> None:
    invoice = make_invoice()

    with pytest.raises(ImmutableInvoiceError):
        invoice.delete()
    with pytest.raises(ImmutableInvoiceError):
        Invoice.objects.all().delete()


def test_the_lines_of_a_validated_invoice_cannot_be_changed() -> None:
    line = make_invoice().lines.get()

    with pytest.raises(ImmutableInvoiceError):
        line.save()
    with pytest.raises(ImmutableInvoiceError):
        line.delete()
    with pytest.raises(ImmutableInvoiceError):
        InvoiceLine.objects.update(label="other")
    with pytest.raises(ImmutableInvoiceError):
        InvoiceLine.objects.all().delete()
    with pytest.raises(ImmutableInvoiceError):
        InvoiceLine.objects.bulk_update([line], ["label"])
    more = InvoiceLine(
        invoice=line.invoice, position=9, label="more", quantity=1, unit_price=1, vat_rate=20, net=1
    )
    with pytest.raises(ImmutableInvoiceError):
        InvoiceLine.objects.bulk_create([more])


def test_a_validated_invoice_can_be_paid() -> None:
    invoice = make_invoice()

    invoice.paid_amount = invoice.total_gross
    invoice.save()
    Invoice.objects.update(paid_on=date(2026, 4, 1))

    assert Invoice.objects.get(pk=invoice.pk).open_amount == 0


def test_an_invoice_cannot_be_paid_more_than_once_over() -> None:
    invoice = make_invoice()

    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.update(paid_amount=invoice.total_gross + 1)


def test_a_draft_can_be_changed_and_deleted() -> None:
    draft = make_draft()
    draft.order_ref = "BC-1"
    draft.save()
    draft.lines.update(label="other")

    draft.delete()

    assert not Invoice.objects.exists()


def test_a_customer_with_invoices_cannot_be_deleted() -> None:
    invoice = make_invoice()

    with pytest.raises(ProtectedError):
        invoice.customer.delete()


def _another(first: Delivery) -> Delivery:
    from apps.invoices.models import Mailing

    return Delivery.objects.create(
        mailing=Mailing.objects.create(created_by=first.mailing.created_by),
        invoice=first.invoice,
        generation=2,
        recipient=first.recipient,
        message_id=f"<second-{first.message_id.strip('<')}",
    )
