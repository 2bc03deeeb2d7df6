"""Uploading files: one or many, from a form or one by one from the page's script."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.edi.errors import TooLargeError
from apps.edi.intake import receive
from apps.edi.models import EdiFile


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Receive the files of the field `files` and start an import of each."""
    if not request.user.is_authenticated:
        if _wants_json(request):
            return _refused(_("Please log in first."), 401)
        return redirect_to_login(reverse("edi:list"))
    files = request.FILES.getlist("files")
    if not files:
        return _answer(request, [], [_("No file was chosen.")])
    received: list[EdiFile] = []
    errors: list[str] = []
    for each in files:
        name = each.name or "?"
        try:
            received.append(receive(each, name, request.user))
        except TooLargeError as error:
            errors.append(
                _("%(name)s has %(size)s; no more than %(limit)s are taken.")
                % {
                    "name": name,
                    "size": filesizeformat(error.size),
                    "limit": filesizeformat(error.limit),
                }
            )
    return _answer(request, received, errors)


def _answer(request: HttpRequest, received: list[EdiFile], errors: list[str]) -> HttpResponse:
    if _wants_json(request):
        if errors:
            return _refused(" ".join(errors), 413 if received or request.FILES else 400)
        return JsonResponse(
            {
                "success": True,
                "files": [
                    {"job_id": file.job_id, "name": file.name, "url": file.get_absolute_url()}
                    for file in received
                ],
            }
        )
    for text in errors:
        messages.error(request, text)
    if len(received) == 1 and not errors:
        return redirect(received[0])
    if received:
        text = ngettext("%(n)s file received.", "%(n)s files received.", len(received))
        messages.success(request, text % {"n": len(received)})
    return redirect("edi:list")


def _refused(text: str, status: int) -> JsonResponse:
    return JsonResponse({"success": False, "error": text}, status=status)


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
