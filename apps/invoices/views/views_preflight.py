"""The look before a mailing: what would be sent, what not and why, and how to send it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from apps.invoices import preflight
from apps.invoices.forms import MailingForm
from apps.invoices.invoice_list import Tab
from apps.invoices.models import MailingMode
from apps.invoices.preflight import Preflight
from apps.invoices.selection import Selection, SelectionError

INVOICES_PER_PAGE = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preflight_check(request: HttpRequest) -> HttpResponse:
    """Take a selection from the list's form, and show it at an address of its own."""
    fields = request.POST if request.method == "POST" else request.GET
    try:
        selection = Selection.read(fields)
        if request.method == "POST":
            return redirect(f"{reverse('invoices:preflight')}?{selection.query()}")
        return show(request, selection, MailingForm())
    except SelectionError as error:
        messages.error(request, str(error))
        return redirect(_list_address(fields))


def show(
    request: HttpRequest, selection: Selection, form: MailingForm, *, status: int = 200
) -> HttpResponse:
    """Show the figures of a selection, each leading to its invoices, and the form that sends it.

    Raises:
        SelectionError: some of the selected invoices are gone.
    """
    even_refused = (request.POST or request.GET).get("even_refused") == "1"
    invoices = selection.invoices()
    counts = preflight.look(invoices, even_refused=even_refused)
    kind = request.GET.get("show", "")
    kind = kind if kind in preflight.LABELS else "to_send"
    found = preflight.with_fate(invoices, even_refused=even_refused).filter(fate=kind)
    page = Paginator(found.select_related("customer").order_by("pk"), INVOICES_PER_PAGE)
    context = {
        "counts": counts,
        "tabs": _tabs(counts, kind),
        "shown": kind,
        "page": page.get_page(request.GET.get("page")),
        "fields": selection.fields() | ({"even_refused": "1"} if even_refused else {}),
        "even_refused": even_refused,
        "address": f"{reverse('invoices:preflight')}?{selection.query()}",
        "back": f"{reverse('invoices:list')}?{urlencode(selection.list_fields())}",
        "form": form,
        "modes": MailingMode.choices,
        "mode": form["mode"].value() or MailingMode.LIVE,
        "own_address": getattr(request.user, "email", ""),
    }
    return render(request, "invoices/preflight.html", context, status=status)


def _tabs(counts: Preflight, shown: str) -> list[Tab]:
    """List the figures that there are, and the one that is shown."""
    return [
        Tab(name=name, label=str(label), count=counts.counts()[name])
        for name, label in preflight.LABELS.items()
        if counts.counts()[name] or name in ("to_send", shown)
    ]


def _list_address(fields: QueryDict) -> str:
    kept = {
        name: str(fields[name]) for name in ("status", "q", "sort", "per_page") if fields.get(name)
    }
    return f"{reverse('invoices:list')}?{urlencode(kept)}"
