"""Sending a selection of invoices."""

from __future__ import annotations

from typing import Any

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
from django.views.decorators.http import require_POST

from apps.core.live.start import beginning, first_state
from apps.invoices.actors import send_invoices
from apps.invoices.errors import (
    InvoicesError,
    NoCompanyError,
    NoOwnAddressError,
    NothingToSendError,
)
from apps.invoices.forms import MailingForm
from apps.invoices.mailing import prepare
from apps.invoices.models import Invoice, Mailing
from apps.invoices.preflight import Preflight
from apps.invoices.selection import Selection, SelectionError
from apps.invoices.views.views_preflight import show

#: The list's own fields, which a reader who is sent back to it keeps.
LIST_FIELDS = ("status", "q", "sort", "per_page", "page")


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Freeze the selected invoices into a mailing and start its job.

    The fields: a selection (`Selection.read`), and how to send it (`MailingForm`). `expected` is
    how many the reader was told would be sent: whatever has changed since is told.
    """
    if not request.user.is_authenticated:
        if _wants_json(request):
            return _refuse(request, _("Please log in first."), status=401)
        return redirect_to_login(reverse("invoices:list"))
    form = MailingForm(request.POST)
    try:
        selection = Selection.read(request.POST)
        invoices = selection.invoices()
        if not form.is_valid():
            return _incomplete(request, selection, form)
        at = beginning() if _wants_json(request) else None
        mailing, preflight = start(request.user, invoices, **form.options())
    except SelectionError as error:
        return _refuse(request, str(error), status=400)
    except InvoicesError as error:
        return _refuse(request, _why_not(error), status=409)
    return _started(request, mailing, preflight, at)


def start(
    user: AbstractBaseUser, invoices: QuerySet[Invoice], **options: Any
) -> tuple[Mailing, Preflight]:
    """Prepare a mailing and start its job: both, or neither."""
    with transaction.atomic():
        mailing, preflight = prepare(user, invoices, **options)
        mailing.job = send_invoices.start_for(user, mailing_id=mailing.pk)
        mailing.save(update_fields=["job"])
    return mailing, preflight


def _incomplete(request: HttpRequest, selection: Selection, form: MailingForm) -> HttpResponse:
    """Show what is wrong with the letter, beside what was written."""
    if _wants_json(request):
        errors = [str(error) for found in form.errors.values() for error in found]
        return _refuse(request, " ".join(errors), status=400)
    return show(request, selection, form, status=400)


def _started(
    request: HttpRequest, mailing: Mailing, preflight: Preflight, at: int | None
) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse(
            {
                "success": True,
                "job_id": mailing.job_id,
                "total": preflight.goes_in,
                "skipped": preflight.left_out,
                "url": mailing.get_absolute_url(),
                "progress": mailing.job and first_state(request, mailing.job, at),
            }
        )
    if request.POST.get("expected") != str(preflight.to_send):
        for sentence in preflight.sentences():
            messages.warning(request, sentence)
    return redirect(mailing)


def _why_not(error: InvoicesError) -> str:
    """Say in the reader's words why nothing is sent."""
    if isinstance(error, NothingToSendError):
        return " ".join([_("Nothing to send."), *error.preflight.sentences()])
    if isinstance(error, NoOwnAddressError):
        return _("You have no e-mail address of your own. An administrator can enter one.")
    if isinstance(error, NoCompanyError):
        return _("Enter your company in the administration first: it is the sender.")
    raise error


def _refuse(request: HttpRequest, text: str, *, status: int) -> HttpResponse:
    """Say why nothing was started: as JSON, or on the list as the reader had it."""
    if _wants_json(request):
        return JsonResponse({"success": False, "error": text}, status=status)
    messages.error(request, text)
    kept = {name: request.POST[name] for name in LIST_FIELDS if request.POST.get(name)}
    return redirect(f"{reverse('invoices:list')}?{urlencode(kept)}")


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
