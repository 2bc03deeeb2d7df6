"""Validation: the moment a draft becomes an invoice that nobody can change."""

from __future__ import annotations

from django.db import transaction

from apps.invoices import numbering, vat
from apps.invoices.errors import EmptyInvoiceError, NotADraftError
from apps.invoices.models import Company, Invoice, InvoiceKind, InvoiceStatus
from apps.invoices.signals import invoices_validated


def validate(pk: int, *, company: Company | None = None) -> Invoice:
    """Number a draft, compute its totals, freeze both parties, and return it."""
    company = company or Company.load()
    with transaction.atomic():
        # Locked, so that two people can't validate the same draft and burn a number.
        invoice = (
            Invoice.objects.select_for_update(of=("self",))
            .select_related("customer")
            .prefetch_related("lines")
            .get(pk=pk)
        )
        if invoice.status != InvoiceStatus.DRAFT:
            raise NotADraftError(str(invoice.number))
        lines = list(invoice.lines.all())
        if not lines:
            raise EmptyInvoiceError(pk)
        totals = vat.total((line.vat_rate, line.net) for line in lines)
        invoice.total_net = totals.net
        invoice.total_vat = totals.vat
        invoice.total_gross = totals.gross
        invoice.buyer_snapshot = invoice.customer.snapshot()
        invoice.seller_snapshot = company.snapshot()
        invoice.number = numbering.next_number(InvoiceKind(invoice.kind), invoice.issue_date.year)
        invoice.status = InvoiceStatus.VALIDATED
        invoice.save()
        invoices_validated.send(sender=Invoice, invoices=[invoice])
    return invoice
