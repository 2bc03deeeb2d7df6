"""Deciding about what is in quarantine."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core.models import SSEProgress
from apps.edi import decisions
from apps.edi.errors import NotDecidableError
from apps.edi.models import EdiFile, EdiMessage, Interchange


@login_required
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Discard an interchange, import it with a reason, or make a partner of its sender."""
    visible = EdiFile.objects.visible_to(request.user)
    interchange = get_object_or_404(
        Interchange.objects.filter(file__in=visible).select_related("file", "partner"), pk=pk
    )
    action, reason = request.POST.get("action", ""), request.POST.get("reason", "").strip()
    try:
        if action == "discard":
            decisions.discard(interchange, _user(request), reason)
            messages.success(request, _("The interchange is discarded."))
        elif action == "adopt":
            name = request.POST.get("name", "").strip()
            _tell(request, decisions.adopt(interchange, name, _user(request)))
        elif action == "import" and not reason:
            messages.error(request, _("Say why it is imported all the same: it is kept with it."))
        elif action == "import":
            _tell(request, decisions.release(interchange, _user(request), reason))
        else:
            messages.error(request, _("There is no such decision."))
    except NotDecidableError:
        messages.error(request, _("There is nothing to decide any more. Look again."))
    return redirect(interchange.file)


@login_required
@require_POST
def decide_message(request: HttpRequest, pk: int) -> HttpResponse:
    """Discard a message whose document is known already, or import it in its place."""
    visible = EdiFile.objects.visible_to(request.user)
    message = get_object_or_404(
        EdiMessage.objects.filter(interchange__file__in=visible).select_related(
            "interchange__file"
        ),
        pk=pk,
    )
    action = request.POST.get("action", "")
    try:
        if action in ("discard", "import"):
            job = decisions.decide_message(message, _user(request), take=action == "import")
            if job is not None:
                _tell(request, job)
            else:
                messages.success(request, _("The message is discarded."))
        else:
            messages.error(request, _("There is no such decision."))
    except NotDecidableError:
        messages.error(request, _("There is nothing to decide any more. Look again."))
    return redirect(message.interchange.file)


def _user(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 (login_required has seen to it)
    return user


def _tell(request: HttpRequest, job: SSEProgress | None) -> None:
    if job is None:
        messages.warning(request, _("Its envelope is wrong: it was refused, see below."))
    else:
        messages.success(request, _("The import has started."))
