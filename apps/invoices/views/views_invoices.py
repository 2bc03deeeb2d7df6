"""The list of invoices, and an invoice's PDF."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.invoices import invoice_list as listing
from apps.invoices import outcomes, pdf
from apps.invoices.models import Invoice


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
    rows = [_row(invoice) for invoice in page]
    context = {
        "filters": filters,
        "tabs": listing.tabs(filters),
        "columns": listing.columns(filters),
        "page": page,
        "rows": rows,
        "any_sendable": any(row.sendable for row in rows),
        "page_sizes": listing.PAGE_SIZES,
    }
    return render(request, "invoices/list.html", context)


@login_required
@require_safe
def invoice_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the PDF that is, or was, attached to the e-mail; a draft has none."""
    invoice = get_object_or_404(Invoice.objects.validated().prefetch_related("lines"), pk=pk)
    response = HttpResponse(pdf.render(invoice), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{invoice.number}.pdf"'
    return response


def _row(invoice: Invoice) -> Row:
    # Annotated by the list.
    state, outcome = getattr(invoice, "state", ""), getattr(invoice, "outcome", None) or ""
    return Row(
        invoice=invoice,
        pill=outcomes.PILLS["draft" if state == "draft" else outcome],
        sendable=state != "draft" and outcome in outcomes.SENDABLE,
        mailing=getattr(invoice, "last_mailing", None),
    )
