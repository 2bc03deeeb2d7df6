"""Payments: what customers have paid of their invoices, as far as the books need it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import transaction

from apps.invoices.models import Invoice
from apps.invoices.signals import invoices_paid


def pay(invoices: Iterable[Invoice], *, today: date) -> list[Invoice]:
    """Note that what is open of each invoice was paid; give those of which something was."""
    with transaction.atomic():
        paid = [invoice for invoice in invoices if invoice.open_amount]
        for invoice in paid:
            invoice.paid_amount, invoice.paid_on = invoice.total_gross, today
        Invoice.objects.bulk_update(paid, ["paid_amount", "paid_on"], batch_size=500)
        invoices_paid.send(sender=Invoice, invoices=paid)
    return paid
