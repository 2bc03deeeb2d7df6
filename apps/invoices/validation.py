"""Validation: the moment a draft becomes an invoice that nobody can change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Sum

from apps.core import bulk
from apps.invoices import numbering, vat
from apps.invoices.errors import (
    EmptyInvoiceError,
    NegativeInvoiceError,
    NotADraftError,
    OverCreditedError,
)
from apps.invoices.models import Company, Invoice, InvoiceKind, InvoiceLine, InvoiceStatus
from apps.invoices.signals import invoices_paid, invoices_validated


def validate(pk: int, *, company: Company | None = None) -> Invoice:
    """Number a draft, compute its totals, freeze both parties, and return it.

    Raises:
        NotADraftError, EmptyInvoiceError, NegativeInvoiceError, OverCreditedError: it stays as it
            was.
    """
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
        _freeze(invoice, lines, company)
        _check_credit(invoice)
        kind, year = InvoiceKind(invoice.kind), invoice.issue_date.year
        (invoice.number,) = numbering.next_numbers(kind, year, 1)
        invoice.save()
        _tell([invoice])
    return invoice


class NewLine(NamedTuple):
    """A line of an invoice that is to be issued, at the position it has among the others."""

    label: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    vat_rate: Decimal

    @property
    def net(self) -> Decimal:
        """Its net amount."""
        return vat.line_net(self.quantity, self.unit_price)


def issue(
    drafts: Sequence[tuple[Invoice, Sequence[NewLine]]], *, company: Company
) -> list[Invoice]:
    """Validate many new invoices at once, which are not in the database yet, in their order.

    For those who bring thousands: with statements for each it would take minutes. Their `per_rate`
    is at hand afterwards, their lines are only in the database.

    Raises:
        EmptyInvoiceError, NegativeInvoiceError: nothing is kept.
    """
    with transaction.atomic():
        for invoice, lines in drafts:
            if not lines:
                raise EmptyInvoiceError(None)
            _freeze(invoice, lines, company)
        invoices = [invoice for invoice, _lines in drafts]
        _number(invoices)
        bulk.create(invoices, by="uuid")
        bulk.insert(InvoiceLine, ("invoice", "position", *NewLine._fields, "net"), _rows(drafts))
        _tell(invoices)
    return invoices


def _freeze(
    invoice: Invoice, lines: Iterable[InvoiceLine] | Iterable[NewLine], company: Company
) -> None:
    """Compute the totals and copy what the document says of both parties."""
    totals = vat.total((line.vat_rate, line.net) for line in lines)
    if totals.gross < 0:
        raise NegativeInvoiceError(invoice.pk)
    invoice.total_net = totals.net
    invoice.total_vat = totals.vat
    invoice.total_gross = totals.gross
    invoice.per_rate = totals.per_rate
    invoice.buyer_snapshot = invoice.customer.snapshot()
    invoice.seller_snapshot = company.snapshot()
    invoice.status = InvoiceStatus.VALIDATED


def _check_credit(invoice: Invoice) -> None:
    """Refuse to take back more of an invoice than it asked for."""
    if invoice.corrects_id is None:
        return
    # Locked, so that two credit notes of the same invoice don't miss each other.
    corrected = Invoice.objects.select_for_update(of=("self",)).get(pk=invoice.corrects_id)
    others = corrected.credit_notes.filter(status=InvoiceStatus.VALIDATED)
    credited = others.aggregate(sum=Sum("total_gross"))["sum"] or 0
    left = corrected.total_gross - credited
    if (
        corrected.status != InvoiceStatus.VALIDATED
        or corrected.is_credit_note
        or corrected.customer_id != invoice.customer_id
        or invoice.total_gross > left
    ):
        raise OverCreditedError(str(corrected), invoice.total_gross, left)


def _number(invoices: Iterable[Invoice]) -> None:
    def sequence(invoice: Invoice) -> tuple[int, int]:
        return invoice.kind, invoice.issue_date.year

    for (kind, year), found in groupby(sorted(invoices, key=sequence), key=sequence):
        members = list(found)  # sorted() is stable: still in the caller's order
        numbers = numbering.next_numbers(InvoiceKind(kind), year, len(members))
        for invoice, number in zip(members, numbers, strict=True):
            invoice.number = number


def _tell(invoices: list[Invoice]) -> None:
    """Tell the other rooms what became an invoice, and what of it was paid beforehand."""
    invoices_validated.send(sender=Invoice, invoices=invoices)
    if paid := [each for each in invoices if each.paid_amount]:
        invoices_paid.send(sender=Invoice, invoices=paid)


def _rows(drafts: Iterable[tuple[Invoice, Sequence[NewLine]]]) -> Iterator[tuple[Any, ...]]:
    """Give the lines as rows, now that their invoices have keys."""
    for invoice, lines in drafts:
        for position, line in enumerate(lines, start=1):
            label, quantity, unit, price, rate = line
            yield (
                *(invoice.pk, position, label, str(quantity), unit),
                *(str(price), str(rate), str(line.net)),
            )
