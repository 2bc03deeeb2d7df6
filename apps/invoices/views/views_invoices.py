"""The list of invoices, and an invoice's PDF."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.invoices import archive, outcomes
from apps.invoices import invoice_list as listing
from apps.invoices.models import Invoice, Mailing

if TYPE_CHECKING:
    from apps.invoices.invoice_list import InvoiceWithState


@dataclass(frozen=True, kw_only=True)
class Row:
    """An invoice as a line of the list."""

    invoice: Invoice
    pill: outcomes.Pill
    #: Whether it can be ticked for a mailing.
    sendable: bool
    #: The mailing that sent it last, if the reader may look at it.
    mailing: int | None


@login_required
@require_safe
def invoice_list(request: HttpRequest) -> HttpResponse:
    """Show the invoices, those to send first."""
    filters = listing.Filters.read(request.GET)
    page = Paginator(listing.invoices(filters), filters.page_size).get_page(request.GET.get("page"))
    rows = _rows(request, page.object_list)
    context = {
        "filters": filters,
        "tabs": listing.tabs(filters),
        "columns": listing.columns(filters),
        "page": page,
        "rows": rows,
        "any_sendable": any(row.sendable for row in rows),
        "sendable_count": listing.sendable(filters).count(),
        "page_sizes": listing.PAGE_SIZES,
    }
    return render(request, "invoices/list.html", context)


@login_required
@require_safe
def invoice_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the PDF that is, or was, attached to the e-mail; a draft has none."""
    found = Invoice.objects.validated().select_related("file", "corrects")
    invoice = get_object_or_404(found.prefetch_related("lines"), pk=pk)
    response = HttpResponse(archive.document(invoice), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{invoice.number}.pdf"'
    return response


def _rows(request: HttpRequest, invoices: Iterable[InvoiceWithState]) -> list[Row]:
    shown = list(invoices)
    mailings = Mailing.objects.visible_to(request.user).filter(
        pk__in={invoice.last_mailing for invoice in shown}
    )
    visible = set(mailings.values_list("pk", flat=True))
    return [_row(invoice, visible) for invoice in shown]


def _row(invoice: InvoiceWithState, visible_mailings: set[int]) -> Row:
    outcome = invoice.outcome or ""
    is_draft = invoice.state == "draft"
    return Row(
        invoice=invoice,
        pill=outcomes.PILLS["draft" if is_draft else outcome],
        sendable=not is_draft and outcome in outcomes.SENDABLE,
        mailing=invoice.last_mailing if invoice.last_mailing in visible_mailings else None,
    )
