"""What is validated in one room is posted in the other, or neither happens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.invoices.models import Invoice, InvoiceKind
from apps.invoices.payments import pay
from apps.invoices.signals import invoices_paid, invoices_validated
from apps.invoices.validation import validate
from apps.reports.models import Ledger, LedgerEntry
from heron.ledger import bookkeeping
from heron.ledger.errors import ForeignCurrencyError
from tests.invoices.factories import make_company, make_customer, make_draft, make_invoice

pytestmark = pytest.mark.django_db


def post_ledger() -> str:
    out = StringIO()
    call_command("post_ledger", stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def no_bookkeeping() -> Iterator[None]:
    """Validate as before there was a ledger."""
    invoices_validated.disconnect(dispatch_uid="heron.ledger")
    invoices_paid.disconnect(dispatch_uid="heron.ledger")
    yield
    bookkeeping.connect()


def test_a_validated_invoice_is_posted() -> None:
    customer = make_customer(code="C0007", name="Menuiserie Aubry")
    invoice = make_invoice(customer, lines=(("1", "100", "20"), ("1", "10", "5.5")))

    entry = LedgerEntry.objects.filter(piece=invoice.number)
    debit, *credits = entry.order_by("line")
    assert (debit.account, debit.auxiliary, debit.debit) == ("411000", "C0007", Decimal("130.55"))
    assert sum(line.credit for line in credits) == invoice.total_gross
    assert (debit.date, debit.due_date) == (invoice.issue_date, invoice.due_date)
    assert debit.validated_on == timezone.localdate()
    assert Ledger.load().siren == make_company().siren


def test_a_credit_note_takes_the_amounts_back() -> None:
    note = make_invoice(kind=InvoiceKind.CREDIT_NOTE)

    assert LedgerEntry.objects.get(piece=note.number, line=1).credit == note.total_gross


def test_what_cannot_be_posted_is_not_validated() -> None:
    draft = make_draft(currency="USD")

    with pytest.raises(ForeignCurrencyError, match="USD"):
        validate(draft.pk, company=make_company())

    draft.refresh_from_db()
    assert draft.number is None
    assert not LedgerEntry.objects.exists()


@pytest.mark.usefixtures("no_bookkeeping")
def test_the_command_catches_up_in_the_order_of_the_dates() -> None:
    late = make_invoice(issue_date=date(2026, 3, 9))
    early = make_invoice(issue_date=date(2026, 3, 2))
    make_draft()

    assert post_ledger() == "Posted: 2 invoices\n"

    posted = LedgerEntry.objects.filter(line=1).order_by("number").values_list("piece", flat=True)
    assert list(posted) == [early.number, late.number]


def test_the_command_may_be_run_again_and_letters_what_was_paid_since() -> None:
    paid, unpaid = make_invoice(), make_invoice()
    Invoice.objects.filter(pk=paid.pk).update(paid_amount=paid.total_gross)

    assert [post_ledger(), post_ledger()] == ["Posted: 0 invoices\n"] * 2

    lettered = LedgerEntry.objects.exclude(letter="").order_by("pk")
    assert [(line.piece, line.journal) for line in lettered] == [
        (paid.number, "VE"),
        (paid.number, "BQ"),
    ]
    assert LedgerEntry.objects.filter(piece=unpaid.number).count() == 3


def test_what_is_paid_is_posted_on_its_day() -> None:
    invoice = make_invoice()

    pay([invoice], today=date(2026, 4, 1))

    (line,) = LedgerEntry.objects.filter(piece=invoice.number, journal="BQ", account="411000")
    assert (line.credit, line.date) == (invoice.total_gross, date(2026, 4, 1))


@pytest.mark.usefixtures("no_bookkeeping")
def test_the_command_says_what_it_leaves_out() -> None:
    make_invoice(currency="USD")

    assert "1 invoices" in post_ledger()
    assert not LedgerEntry.objects.exists()
