"""Correcting a validated invoice with a credit note."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.invoices.credit import draft_credit_note
from apps.invoices.errors import NegativeInvoiceError, NothingToCreditError, OverCreditedError
from apps.invoices.models import Invoice
from apps.invoices.validation import validate
from tests.invoices.factories import make_company, make_customer, make_draft, make_invoice

pytestmark = pytest.mark.django_db

TODAY = date(2026, 4, 1)


def test_a_credit_note_takes_back_all_of_an_invoice() -> None:
    invoice = make_invoice(lines=(("2", "50", "20"), ("1", "10", "5.5")), order_ref="BC-1")

    note = validate(draft_credit_note(invoice, today=TODAY).pk)

    assert (note.number, note.is_credit_note, note.corrects) == ("A2026-00001", True, invoice)
    assert (note.total_gross, note.per_rate) == (invoice.total_gross, invoice.per_rate)
    assert (note.order_ref, note.issue_date) == ("BC-1", TODAY)


def test_parts_may_be_taken_back_until_nothing_is_left() -> None:
    invoice = make_invoice(lines=(("3", "50", "20"),))
    for _ in range(3):
        draft = draft_credit_note(invoice, today=TODAY)
        line = draft.lines.get()
        line.quantity = Decimal(1)
        line.save()
        validate(draft.pk)

    with pytest.raises(OverCreditedError, match=r"of which 0.00 can"):
        validate(draft_credit_note(invoice, today=TODAY).pk)

    assert Invoice.objects.filter(number__startswith="A").count() == 3


def test_more_than_an_invoice_asked_for_is_not_taken_back() -> None:
    draft = draft_credit_note(make_invoice(), today=TODAY)
    line = draft.lines.get()
    line.quantity = Decimal(3)
    line.save()

    with pytest.raises(OverCreditedError):
        validate(draft.pk)

    draft.refresh_from_db()
    assert draft.number is None


def test_a_credit_note_is_of_the_same_customer() -> None:
    draft = draft_credit_note(make_invoice(), today=TODAY)
    draft.customer = make_customer()
    draft.save()

    with pytest.raises(OverCreditedError, match="same customer"):
        validate(draft.pk)


def test_neither_a_draft_nor_a_credit_note_is_taken_back() -> None:
    note = validate(draft_credit_note(make_invoice(), today=TODAY).pk)

    for nothing in (make_draft(), note):
        with pytest.raises(NothingToCreditError):
            draft_credit_note(nothing, today=TODAY)


def test_an_invoice_over_less_than_nothing_is_not_validated() -> None:
    draft = make_draft(lines=(("1", "50", "20"), ("-2", "50", "20")))

    with pytest.raises(NegativeInvoiceError, match="credit note"):
        validate(draft.pk, company=make_company())


def test_credit_notes_are_drafted_and_invoices_paid_in_the_administration() -> None:
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    invoice = make_invoice()

    for action in ("draft_credit_notes", "mark_paid"):
        admin.post(
            reverse("admin:invoices_invoice_changelist"),
            {"action": action, "_selected_action": [invoice.pk]},
        )

    assert invoice.credit_notes.get().lines.count() == 1
    invoice.refresh_from_db()
    assert invoice.open_amount == 0
    assert invoice.paid_on is not None
