"""Invoices in the words of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from apps.invoices.models import Invoice
from apps.invoices.signals import invoices_paid, invoices_validated
from apps.reports.posting import post
from apps.reports.receipts import Payment, receive
from apps.reports.sales import RateAmount, Sale
from heron.ledger.errors import ForeignCurrencyError

CURRENCY = "EUR"


def post_invoices(invoices: Sequence[Invoice]) -> int:
    """Post validated invoices that the ledger does not have yet; return how many those were.

    Raises:
        ForeignCurrencyError: the ledger knows one currency.
    """
    if not invoices:
        return 0
    # The books are the issuer's as its last invoice names it.
    seller = invoices[-1].seller_snapshot
    return post(
        [sale_of(invoice) for invoice in invoices],
        siren=seller.get("siren", ""),
        name=seller.get("name", ""),
    )


def post_payments(invoices: Sequence[Invoice]) -> int:
    """Post what was paid of invoices and the ledger does not have yet; return in how many entries.

    What was never sold, it leaves out.
    """
    return receive([payment_of(invoice) for invoice in invoices if invoice.paid_amount])


def sale_of(invoice: Invoice) -> Sale:
    """Tell the ledger of an invoice."""
    if invoice.currency != CURRENCY:
        raise ForeignCurrencyError(str(invoice), invoice.currency)
    return Sale(
        number=str(invoice.number),
        is_credit_note=invoice.is_credit_note,
        issued_on=invoice.issue_date,
        due_on=invoice.due_date,
        customer_code=invoice.buyer_code,
        customer_name=invoice.buyer_name,
        gross=invoice.total_gross,
        rates=tuple(
            RateAmount(rate=each.rate, net=each.net, vat=each.vat) for each in invoice.per_rate
        ),
    )


def payment_of(invoice: Invoice) -> Payment:
    """Tell the ledger what was ever paid of an invoice.

    Where nobody noted when, the day on which the ledger learns of it is true, too.
    """
    return Payment(
        number=str(invoice.number),
        total=invoice.paid_amount,
        paid_on=invoice.paid_on or timezone.localdate(),
    )


def on_validated(sender: object, *, invoices: list[Invoice], **_kwargs: Any) -> None:
    """Post what was just validated, in the same transaction."""
    post_invoices(invoices)


def on_paid(sender: object, *, invoices: list[Invoice], **_kwargs: Any) -> None:
    """Post what was just paid, in the same transaction."""
    post_payments(invoices)


def connect() -> None:
    """Listen to validations and payments."""
    invoices_validated.connect(on_validated, dispatch_uid="heron.ledger")
    invoices_paid.connect(on_paid, dispatch_uid="heron.ledger")
