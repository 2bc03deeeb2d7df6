"""What the mail sink of a running Heron has received."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from pypdf import PdfReader

from apps.invoices.maildir import Mail, MailDirectory
from tests.support.live import LiveHeron


def mails_with(heron: LiveHeron, numbers: Iterable[str]) -> list[Mail]:
    """Read the mails that bring one of these invoices, by the names of their attachments."""
    wanted = set(numbers)
    directory = MailDirectory(heron.mailbox)
    mails = [mail for key in directory.names() if (mail := directory.get(key)) is not None]
    return [mail for mail in mails if invoice_of(mail) in wanted]


def invoice_of(mail: Mail) -> str:
    """Tell which invoice a mail brings."""
    return mail.attachments[0].name.removesuffix(".pdf") if mail.attachments else ""


def text_of(mail: Mail) -> str:
    """Read the text of the PDF that came with a mail."""
    attachment = mail.attachments[0]
    assert attachment.content_type == "application/pdf"
    reader = PdfReader(BytesIO(attachment.content))
    return "\n".join(page.extract_text() for page in reader.pages)
