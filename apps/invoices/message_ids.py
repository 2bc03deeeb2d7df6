"""The Message-ID of each mail: the same whenever the same mail is sent.

Mail servers and programs drop a second mail with an id they have seen. So it is made of what makes
two mails the same: the invoice, whom it goes to, and which generation of that it is.
"""

from __future__ import annotations

from base64 import b32encode
from hashlib import sha256
from uuid import UUID

from apps.invoices.models import Delivery


def message_id(invoice: UUID, recipient: str, generation: int, domain: str) -> str:
    """Make the Message-ID of an invoice's mail to somebody."""
    return f"<inv-{_digest(invoice, recipient, generation)}.{generation}@{domain}>"


def rehearsal_id(invoice: UUID, recipient: str, mailing: int, domain: str) -> str:
    """Make the Message-ID of a mail that is not in earnest: another one in each rehearsal."""
    return f"<test-{_digest(invoice, recipient, mailing)}.{mailing}@{domain}>"


def readdress(delivery: Delivery, recipient: str) -> None:
    """Let a delivery that was never taken go to another address, which makes it another mail."""
    if recipient == delivery.recipient:
        return
    domain = delivery.message_id.rpartition("@")[2].rstrip(">")
    uuid = delivery.invoice.uuid
    delivery.recipient = recipient
    delivery.message_id = (
        message_id(uuid, recipient, delivery.generation, domain)
        if delivery.live
        else rehearsal_id(uuid, recipient, delivery.mailing_id, domain)
    )


def _digest(invoice: UUID, recipient: str, number: int) -> str:
    """Boil the facts down: short, because a header of more than 78 characters gets folded."""
    facts = f"{invoice} {number} {recipient.casefold()}"
    return b32encode(sha256(facts.encode()).digest()[:15]).decode().lower()
