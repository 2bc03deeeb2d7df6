"""The pages of the invoices, one module a page."""

from __future__ import annotations

from .views_invoices import invoice_list, invoice_pdf
from .views_mailbox import mail, mail_attachment, mailbox
from .views_mailing import mailing
from .views_preflight import preflight_check
from .views_send import send

__all__ = [
    "invoice_list",
    "invoice_pdf",
    "mail",
    "mail_attachment",
    "mailbox",
    "mailing",
    "preflight_check",
    "send",
]
