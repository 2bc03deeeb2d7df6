"""The mailbox of the development mail server: what really left, as the recipient would see it.

There is none in production (`HERON_MAILBOX_DIR` is empty), and it is for staff: it shows the mail
of everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.invoices.maildir import Mail, MailDirectory

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

MAILS_PER_PAGE = 50


def staff_with_mailbox(view: View[P]) -> View[P]:
    """Let staff in, where there is a mailbox at all."""

    @login_required
    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not settings.HERON_MAILBOX_DIR:
            raise Http404
        if not getattr(request.user, "is_staff", False):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


@staff_with_mailbox
def mailbox(request: HttpRequest) -> HttpResponse:
    """List the mails, newest first."""
    directory = _directory()
    page = Paginator(directory.names(), MAILS_PER_PAGE).get_page(request.GET.get("page"))
    # A mail may have been deleted since its key was listed.
    mails = [mail for key in page if (mail := directory.get(key)) is not None]
    return render(request, "invoices/mailbox.html", {"page": page, "mails": mails})


@staff_with_mailbox
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """Show one mail."""
    return render(request, "invoices/mail.html", {"mail": _mail(key)})


@staff_with_mailbox
def mail_attachment(request: HttpRequest, key: str, index: int) -> FileResponse:
    """Download one attachment of a mail."""
    attachments = _mail(key).attachments
    if not 0 <= index < len(attachments):
        raise Http404
    attachment = attachments[index]
    return FileResponse(
        attachment.open(),
        as_attachment=True,
        filename=attachment.name,
        content_type=attachment.content_type,
    )


def _directory() -> MailDirectory:
    return MailDirectory(Path(settings.HERON_MAILBOX_DIR))


def _mail(key: str) -> Mail:
    found = _directory().get(key)
    if found is None:
        raise Http404
    return found
