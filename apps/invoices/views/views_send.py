"""Sending a selection of invoices."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.invoices import invoice_list as listing
from apps.invoices.actors import send_invoices
from apps.invoices.errors import NoCompanyError, NothingToSendError
from apps.invoices.mailing import prepare
from apps.invoices.models import Invoice, Mailing
from apps.invoices.preflight import Preflight


class SelectionError(Exception):
    """Raised when what the page sent is no selection; the text is for the reader."""


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Freeze the selected invoices into a mailing and start its job.

    The fields: `invoice_ids`, several times; or `all=1` with the list's filters, for every invoice
    that matches and can be sent.
    """
    if not request.user.is_authenticated:
        if _wants_json(request):
            return _refuse(request, _("Please log in first."), status=401)
        return redirect_to_login(reverse("invoices:list"))
    try:
        invoices = _selection(request)
        selected = invoices.count()
        mailing, preflight = start(request.user, invoices)
    except SelectionError as error:
        return _refuse(request, str(error), status=400)
    except NothingToSendError as error:
        return _refuse(request, _nothing(error.preflight), status=409)
    except NoCompanyError:
        text = _("Enter your company in the administration first: it is the sender.")
        return _refuse(request, text, status=409)
    return _started(request, mailing, preflight, selected)


def start(user: AbstractBaseUser, invoices: QuerySet[Invoice]) -> tuple[Mailing, Preflight]:
    """Prepare a mailing and start its job: both, or neither."""
    with transaction.atomic():
        mailing, preflight = prepare(user, invoices)
        mailing.job = send_invoices.start_for(user, mailing_id=mailing.pk)
        mailing.save(update_fields=["job"])
    return mailing, preflight


def _selection(request: HttpRequest) -> QuerySet[Invoice]:
    if request.POST.get("all") == "1":
        return listing.sendable(listing.Filters.read(request.POST))
    sent = request.POST.getlist("invoice_ids") or request.POST.getlist("invoice_ids[]")
    if not sent:
        raise SelectionError(_("No invoice is selected. Tick at least one."))
    try:
        wanted = {int(value) for value in sent}
    except ValueError as error:
        raise SelectionError(_("The selection could not be read. Reload the page.")) from error
    found = Invoice.objects.filter(pk__in=wanted)
    if missing := len(wanted) - found.count():
        raise SelectionError(
            ngettext(
                "%(n)s selected invoice no longer exists. Reload the page.",
                "%(n)s selected invoices no longer exist. Reload the page.",
                missing,
            )
            % {"n": missing}
        )
    return found


def _started(
    request: HttpRequest, mailing: Mailing, preflight: Preflight, selected: int
) -> HttpResponse:
    total = mailing.deliveries.count()
    if _wants_json(request):
        return JsonResponse(
            {
                "success": True,
                "job_id": mailing.job_id,
                "total": total,
                "skipped": selected - total,
                "url": mailing.get_absolute_url(),
            }
        )
    for sentence in preflight.sentences():
        messages.warning(request, sentence)
    return redirect(mailing)


def _nothing(preflight: Preflight) -> str:
    return " ".join([_("Nothing to send."), *preflight.sentences()])


def _refuse(request: HttpRequest, text: str, *, status: int) -> HttpResponse:
    """Say why nothing was started: as JSON, or on the list as the reader had it."""
    if _wants_json(request):
        return JsonResponse({"success": False, "error": text}, status=status)
    messages.error(request, text)
    kept = {
        name: request.POST[name]
        for name in ("status", "q", "sort", "per_page", "page")
        if request.POST.get(name)
    }
    return redirect(f"{reverse('invoices:list')}?{urlencode(kept)}")


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
