"""How a delivery's outcome looks: word, icon and colour, and the reason in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext_lazy

from apps.invoices.models import Delivery, DeliveryStatus
from apps.invoices.sending import MAYBE_SENT


@dataclass(frozen=True, kw_only=True)
class Pill:
    """A state as a small badge; `tone` is one of the style sheet's, empty is grey."""

    label: Any
    icon: str
    tone: str = ""


PILLS: dict[str, Pill] = {
    "": Pill(label=pgettext_lazy("delivery", "To send"), icon="clock"),
    "draft": Pill(label=pgettext_lazy("delivery", "Draft"), icon="file"),
    DeliveryStatus.PENDING.value: Pill(label=pgettext_lazy("delivery", "Waiting"), icon="clock"),
    DeliveryStatus.SENDING.value: Pill(
        label=pgettext_lazy("delivery", "Being sent"), icon="send", tone="run"
    ),
    DeliveryStatus.ACCEPTED.value: Pill(
        label=pgettext_lazy("delivery", "Accepted"), icon="check", tone="ok"
    ),
    DeliveryStatus.REFUSED.value: Pill(
        label=pgettext_lazy("delivery", "Refused"), icon="cross", tone="err"
    ),
    DeliveryStatus.FAILED.value: Pill(
        label=pgettext_lazy("delivery", "Not sent"), icon="cross", tone="err"
    ),
    DeliveryStatus.UNKNOWN.value: Pill(
        label=pgettext_lazy("delivery", "In doubt"), icon="question", tone="warn"
    ),
    DeliveryStatus.CHECKED.value: Pill(
        label=pgettext_lazy("delivery", "Checked"), icon="check", tone="ok"
    ),
    DeliveryStatus.SKIPPED.value: Pill(label=pgettext_lazy("delivery", "Skipped"), icon="skip"),
    DeliveryStatus.CANCELLED.value: Pill(
        label=pgettext_lazy("delivery", "Cancelled"), icon="barred"
    ),
}

#: What a new mailing can take: nothing of it is under way, accepted or in doubt.
SENDABLE = frozenset(
    {
        "",
        DeliveryStatus.REFUSED,
        DeliveryStatus.FAILED,
        DeliveryStatus.SKIPPED,
        DeliveryStatus.CANCELLED,
    }
)


def reason(delivery: Delivery, outcome: str) -> str:
    """Say why a mail was not simply accepted: the server's own words where it spoke."""
    if delivery.smtp_code and outcome != DeliveryStatus.ACCEPTED:
        words = f"{delivery.smtp_code} {delivery.smtp_text}".strip()
        if outcome == DeliveryStatus.PENDING and delivery.not_before is not None:
            at = date_format(timezone.localtime(delivery.not_before), "TIME_FORMAT")
            return f"{words} ({gettext('next try at %(time)s') % {'time': at}})"
        return words
    if outcome == DeliveryStatus.UNKNOWN:
        return gettext(MAYBE_SENT)
    if outcome == DeliveryStatus.REFUSED and not delivery.smtp_text:
        return gettext("%(address)s is not an e-mail address.") % {"address": delivery.recipient}
    if outcome == DeliveryStatus.SKIPPED and not delivery.smtp_text:
        return gettext("The customer has no e-mail address.")
    # Without a code these aren't the server's words: why it failed before, or who decided what.
    return "" if delivery.smtp_code else delivery.smtp_text
