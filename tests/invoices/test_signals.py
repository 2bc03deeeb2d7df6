"""What other rooms hear of validated invoices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from apps.invoices.models import Invoice, InvoiceKind
from apps.invoices.signals import invoices_validated
from apps.invoices.validation import validate
from tests.invoices.factories import make_company, make_customer, make_draft

pytestmark = pytest.mark.django_db


@contextmanager
def listening(receiver: Any) -> Iterator[None]:
    invoices_validated.connect(receiver)
    try:
        yield
    finally:
        invoices_validated.disconnect(receiver)


def test_a_validated_invoice_is_told_with_all_that_books_need() -> None:
    customer = make_customer(code="C0007", name="Menuiserie Aubry")
    draft = make_draft(
        customer,
        kind=InvoiceKind.CREDIT_NOTE,
        lines=(("2", "50", "20"), ("1", "10", "5.5"), ("1", "5", "20")),
    )
    heard: list[Invoice] = []

    def hear(sender: type[Invoice], invoices: list[Invoice], **_: Any) -> None:
        assert connection.in_atomic_block
        heard.extend(invoices)

    with listening(hear):
        validate(draft.pk, company=make_company())

    (told,) = heard
    assert (told.number, told.is_credit_note) == ("A2026-00001", True)
    assert (told.buyer_code, told.buyer_name) == ("C0007", "Menuiserie Aubry")
    assert [(str(each.rate), str(each.net), str(each.vat)) for each in told.per_rate] == [
        ("20.00", "105.00", "21.00"),
        ("5.50", "10.00", "0.55"),
    ]
    assert str(told.total_gross) == "136.55"


def test_a_receiver_needs_no_query_of_its_own(
    django_assert_num_queries: Any,
) -> None:
    draft = make_draft()

    def hear(sender: type[Invoice], invoices: list[Invoice], **_: Any) -> None:
        with django_assert_num_queries(0):
            assert invoices[0].per_rate
            assert invoices[0].customer.code

    with listening(hear):
        validate(draft.pk, company=make_company())


def test_a_receiver_that_raises_undoes_the_validation() -> None:
    draft = make_draft()

    def refuse(sender: type[Invoice], **_: Any) -> None:
        raise ZeroDivisionError

    with listening(refuse), pytest.raises(ZeroDivisionError):
        validate(draft.pk, company=make_company())

    draft.refresh_from_db()
    assert draft.number is None
