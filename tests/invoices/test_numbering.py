"""Numbers without gaps, given when a draft is validated."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import transaction

from apps.invoices.errors import EmptyInvoiceError, NoCompanyError, NotADraftError
from apps.invoices.models import InvoiceKind
from apps.invoices.validation import validate
from tests.invoices.factories import make_company, make_customer, make_draft, make_invoice

pytestmark = pytest.mark.django_db


def test_numbers_follow_each_other_within_a_year() -> None:
    numbers = [make_invoice(issue_date=date(2026, 1, day)).number for day in (5, 6, 7)]

    assert numbers == ["F2026-00001", "F2026-00002", "F2026-00003"]


def test_each_year_begins_at_one() -> None:
    make_invoice(issue_date=date(2025, 12, 31))

    assert make_invoice(issue_date=date(2026, 1, 1)).number == "F2026-00001"


def test_credit_notes_have_a_sequence_of_their_own() -> None:
    make_invoice()

    assert make_invoice(kind=InvoiceKind.CREDIT_NOTE).number == "A2026-00001"


def test_a_number_taken_in_a_transaction_that_fails_is_given_again() -> None:
    make_invoice()

    _validate_and_fail(make_draft().pk)

    assert make_invoice().number == "F2026-00002"


def test_validating_computes_the_totals_and_freezes_both_parties() -> None:
    customer = make_customer(name="Menuiserie Aubry", city="Rennes")
    draft = make_draft(customer, lines=(("2", "50", "20"), ("1", "10", "5.5")))

    invoice = validate(draft.pk, company=make_company())
    customer.name = "Menuiserie Aubry & Filles"
    customer.save()
    invoice.refresh_from_db()

    assert str(invoice.total_net) == "110.00"
    assert str(invoice.total_vat) == "20.55"
    assert str(invoice.total_gross) == "130.55"
    assert invoice.buyer_snapshot["name"] == "Menuiserie Aubry"
    assert invoice.seller_snapshot["name"] == "Comptoir du Héron"


def test_an_invoice_is_validated_only_once() -> None:
    invoice = make_invoice()

    with pytest.raises(NotADraftError, match="F2026-00001"):
        validate(invoice.pk)


def test_an_invoice_without_lines_is_not_validated() -> None:
    draft = make_draft(lines=())

    with pytest.raises(EmptyInvoiceError):
        validate(draft.pk, company=make_company())


def test_without_a_company_nothing_can_be_validated() -> None:
    draft = make_draft()

    with pytest.raises(NoCompanyError, match="seed_demo"):
        validate(draft.pk)


def _validate_and_fail(pk: int) -> None:
    try:
        with transaction.atomic():
            validate(pk)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
