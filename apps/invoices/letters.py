"""The letter around an invoice, and the e-mail that carries both."""

from __future__ import annotations

import re
from email.utils import formataddr

from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from apps.invoices import archive
from apps.invoices.errors import UnknownPlaceholderError
from apps.invoices.models import Company, Delivery, Invoice, InvoiceKind, MailingMode
from apps.invoices.money import format_amount, format_day

#: What a letter may mention, in braces.
PLACEHOLDERS = ("number", "customer", "company", "total", "issue_date", "due_date")

SUBJECTS = {
    InvoiceKind.INVOICE: gettext_noop("Invoice {number} from {company}"),
    InvoiceKind.CREDIT_NOTE: gettext_noop("Credit note {number} from {company}"),
}
BODIES = {
    InvoiceKind.INVOICE: gettext_noop(
        "Hello,\n\nPlease find attached invoice {number} of {issue_date}, for {total}, "
        "due on {due_date}.\n\nKind regards,\n{company}\n"
    ),
    InvoiceKind.CREDIT_NOTE: gettext_noop(
        "Hello,\n\nPlease find attached credit note {number} of {issue_date}, for {total}.\n\n"
        "Kind regards,\n{company}\n"
    ),
}

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def check(text: str) -> None:
    """Refuse a text that uses a placeholder nobody fills.

    Raises:
        UnknownPlaceholderError: names the placeholder and the known ones.
    """
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            raise UnknownPlaceholderError(name, PLACEHOLDERS)


def fill(text: str, values: dict[str, str]) -> str:
    """Put the values in; other braces stay as they are."""
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), found.group(0)), text)


def compose(delivery: Delivery, company: Company) -> EmailMessage:
    """Write the e-mail of a delivery in the customer's language, with the PDF attached."""
    invoice, mailing = delivery.invoice, delivery.mailing
    kind = InvoiceKind(invoice.kind)
    with translation.override(invoice.buyer_snapshot.get("language", "fr")):
        values = _values(invoice, company)
        subject = fill(mailing.subject or gettext(SUBJECTS[kind]), values)
        body = fill(mailing.body or gettext(BODIES[kind]), values)
    if mailing.mode == MailingMode.REDIRECT:
        subject = f"[{delivery.recipient}] {subject}"
    message = EmailMessage(
        # On one line: a customer's name with a line break must not become a header.
        subject=" ".join(subject.split()),
        body=body,
        from_email=formataddr((company.name, company.sender)),
        to=[mailing.redirect_to or delivery.recipient],
        reply_to=[company.reply_to or company.from_email],
        headers={"Message-ID": delivery.message_id, "Auto-Submitted": "auto-generated"},
    )
    message.attach(f"{invoice.number}.pdf", archive.document(invoice), "application/pdf")
    return message


def _values(invoice: Invoice, company: Company) -> dict[str, str]:
    return {
        "number": str(invoice.number),
        "customer": invoice.buyer_snapshot.get("name", ""),
        "company": company.name,
        "total": format_amount(invoice.total_gross, invoice.currency),
        "issue_date": format_day(invoice.issue_date),
        "due_date": format_day(invoice.due_date),
    }
