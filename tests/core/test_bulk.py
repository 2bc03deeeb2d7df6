"""Many invoices written at once: the rows and the objects that Django's own way gives."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.core import bulk
from apps.invoices.models import Invoice
from tests.invoices.factories import make_customer

pytestmark = pytest.mark.django_db


def new_invoices(count: int) -> list[Invoice]:
    customer = make_customer()
    return [
        Invoice(
            customer=customer,
            issue_date=date(2026, 3, 2),
            due_date=date(2026, 4, 1),
            order_ref=f"commande {n}",
            buyer_snapshot={"name": "Café « L’Étang »", "rates": [n]},
            total_net=Decimal("10.50"),
            total_gross=Decimal("10.50"),
        )
        for n in range(count)
    ]


def stored(invoices: list[Invoice]) -> list[dict[str, Any]]:
    own = {"id", "uuid", "order_ref", "buyer_snapshot", "customer_id"}
    rows = Invoice.objects.filter(pk__in=[each.pk for each in invoices]).order_by("pk").values()
    return [{name: value for name, value in row.items() if name not in own} for row in rows]


def test_the_rows_are_those_that_django_writes() -> None:
    ours, djangos = new_invoices(3), new_invoices(3)

    bulk.create(ours, by="uuid")
    Invoice.objects.bulk_create(djangos)

    assert len(stored(ours)) == 3
    assert stored(ours) == stored(djangos)


def test_each_object_gets_its_own_key() -> None:
    # More than one statement asks for.
    invoices = new_invoices(bulk.KEYS + 1)

    bulk.create(invoices, by="uuid")

    found = Invoice.objects.in_bulk([each.pk for each in invoices])
    assert len(found) == len(invoices)
    for each in invoices:
        assert found[each.pk].order_ref == each.order_ref
        assert found[each.pk].buyer_snapshot == each.buyer_snapshot


def test_an_object_that_was_written_is_changed_and_not_written_again() -> None:
    (invoice,) = invoices = new_invoices(1)
    bulk.create(invoices, by="uuid")

    invoice.order_ref = "autre"
    invoice.save()

    assert list(Invoice.objects.values_list("order_ref", flat=True)) == ["autre"]


def test_one_that_the_table_refuses_takes_the_others_back() -> None:
    invoices = new_invoices(3)
    invoices[1].uuid = invoices[0].uuid

    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.create(invoices, by="uuid")

    assert not Invoice.objects.exists()


def test_nothing_to_write_is_no_error() -> None:
    bulk.create([], by="uuid")

    assert not Invoice.objects.exists()
