"""Credit notes: how a validated invoice is corrected."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from apps.invoices.errors import NothingToCreditError
from apps.invoices.models import Invoice, InvoiceKind, InvoiceLine, InvoiceStatus


def draft_credit_note(invoice: Invoice, *, today: date) -> Invoice:
    """Make the draft of a credit note over all of an invoice; edit its lines to credit a part.

    Raises:
        NothingToCreditError: it is a draft, or a credit note itself.
    """
    if invoice.status != InvoiceStatus.VALIDATED or invoice.is_credit_note:
        raise NothingToCreditError(str(invoice))
    with transaction.atomic():
        draft = Invoice.objects.create(
            kind=InvoiceKind.CREDIT_NOTE,
            corrects=invoice,
            customer=invoice.customer,
            issue_date=today,
            due_date=today,
            currency=invoice.currency,
            operation_category=invoice.operation_category,
            order_ref=invoice.order_ref,
        )
        InvoiceLine.objects.bulk_create(
            InvoiceLine(
                invoice=draft,
                position=line.position,
                label=line.label,
                quantity=line.quantity,
                unit=line.unit,
                unit_price=line.unit_price,
                vat_rate=line.vat_rate,
                net=line.net,
            )
            for line in invoice.lines.all()
        )
    return draft
