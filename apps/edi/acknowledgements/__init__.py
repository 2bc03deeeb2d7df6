"""Acknowledgements: files that tell a partner what was taken. They are offered, not transmitted."""

from __future__ import annotations

from django.utils import timezone

from apps.edi.acknowledgements import contrl, x997
from apps.edi.models import Acknowledgement, Interchange, InterchangeStatus

__all__ = ["acknowledge", "file_name"]

#: An acknowledgement is never acknowledged.
NEVER = frozenset({"CONTRL", "APERAK", "997", "999"})
#: While a person has to decide, nothing is answered.
OPEN = (InterchangeStatus.QUARANTINED, InterchangeStatus.ACCEPTED)


def acknowledge(interchange: Interchange) -> None:
    """Write an interchange's acknowledgement, if its partner wants one; may be called again."""
    partner = interchange.partner
    if (
        partner is None
        or partner.acknowledgement == Acknowledgement.NONE
        or interchange.standard not in ("edifact", "x12")
        or interchange.status in OPEN
        or interchange.messages.filter(type__in=NEVER).exists()
    ):
        return
    write = x997.write if interchange.standard == "x12" else contrl.write
    interchange.acknowledgement = write(interchange, timezone.localtime())
    interchange.save(update_fields=["acknowledgement"])


def file_name(interchange: Interchange) -> str:
    """Name the file as it is downloaded."""
    kind = "997" if interchange.standard == "x12" else "CONTRL"
    return f"{kind}-{interchange.pk}.edi"
