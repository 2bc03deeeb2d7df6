"""The demo's partner and files: one right, one with three bad messages, one cut, one unknown."""

from __future__ import annotations

from io import BytesIO

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from apps.edi.demo_data import Flaw, Plan, write
from apps.edi.intake import receive
from apps.edi.models import EdiFile, Partner

PARTNER = "Centrale d’achat du Nord"
#: A sender that is no partner yet.
STRANGER = "2900000000032"

FILES: tuple[tuple[str, Plan], ...] = (
    ("commandes-0105.edi", Plan(messages=120, lines=8, reference="NORD1", first=1)),
    (
        "commandes-0106.edi",
        Plan(
            messages=200,
            lines=8,
            reference="NORD2",
            first=1001,
            flaws=(Flaw.QUANTITY, Flaw.COUNT, Flaw.DATE),
            bad=3,
        ),
    ),
    (
        "commandes-0107.edi",
        Plan(messages=40, lines=8, reference="NORD3", first=2001, flaws=(Flaw.CUT,)),
    ),
    (
        "commandes-inconnu.edi",
        Plan(messages=12, lines=4, reference="SUD1", first=3001, sender=STRANGER),
    ),
)


def seed(user: AbstractBaseUser) -> int:
    """Make the partner and start the imports, once; give how many files there are then."""
    with transaction.atomic():
        _partner, made = Partner.objects.get_or_create(
            edi_id=Plan().sender, qualifier="14", defaults={"name": PARTNER}
        )
        if made:
            for name, plan in FILES:
                receive(BytesIO(write(plan)), name, user)
    return EdiFile.objects.count()
