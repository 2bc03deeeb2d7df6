"""Interchanges: what one partner sent at one time, and whether it is taken.

The constraint is the last word on taking the same one twice, whatever two files, two workers or
two servers do at the same moment.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .file import EdiFile
from .partner import Partner


class InterchangeStatus(models.TextChoices):
    """What became of an interchange."""

    ACCEPTED = "accepted", pgettext_lazy("interchange", "being imported")
    IMPORTED = "imported", pgettext_lazy("interchange", "imported")
    PARTIAL = "partial", pgettext_lazy("interchange", "partly imported")
    REJECTED = "rejected", pgettext_lazy("interchange", "refused")
    QUARANTINED = "quarantined", pgettext_lazy("interchange", "to decide")
    DISCARDED = "discarded", pgettext_lazy("interchange", "discarded")


class Reason(models.TextChoices):
    """Why a person has to decide, or why it was refused."""

    NONE = "", ""
    FAULTS = "faults", _("The envelope is wrong.")
    UNKNOWN_PARTNER = "unknown-partner", _("The sender is not one of our partners.")
    INACTIVE_PARTNER = "inactive-partner", _("The partner is not active.")
    DUPLICATE = "duplicate", _("An interchange of this sender with this reference is here already.")


#: While an interchange is in one of these, its reference can't be taken again.
TAKEN = (InterchangeStatus.ACCEPTED, InterchangeStatus.IMPORTED, InterchangeStatus.PARTIAL)


class Interchange(models.Model):
    """One envelope of a file."""

    file = models.ForeignKey(
        EdiFile, models.CASCADE, related_name="interchanges", verbose_name=_("file")
    )
    position = models.PositiveIntegerField(_("position"))
    standard = models.CharField(_("format"), max_length=10)
    partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="interchanges",
        verbose_name=_("partner"),
    )
    sender = models.CharField(_("sender"), max_length=80, blank=True)
    sender_qualifier = models.CharField(_("sender's qualifier"), max_length=20, blank=True)
    recipient = models.CharField(_("recipient"), max_length=80, blank=True)
    recipient_qualifier = models.CharField(_("recipient's qualifier"), max_length=20, blank=True)
    reference = models.CharField(_("control reference"), max_length=80, blank=True)
    prepared_at = models.DateTimeField(_("prepared at"), null=True, blank=True)
    #: 0; more when a person has said to import a reference that was here already.
    repetition = models.PositiveSmallIntegerField(default=0, editable=False)
    is_test = models.BooleanField(_("test"), default=False)
    wants_acknowledgement = models.BooleanField(_("asks for an acknowledgement"), default=False)
    syntax = models.CharField(_("syntax"), max_length=20, blank=True)
    #: The separators as reader.Separators has them, and the codec; to read single messages again.
    marks = models.JSONField(default=list, blank=True)
    charset = models.CharField(max_length=20, blank=True)
    #: Of each functional group: kind, reference, version, announced, found.
    groups = models.JSONField(default=list, blank=True)
    announced = models.CharField(_("announced"), max_length=80, blank=True)
    found = models.PositiveIntegerField(_("found"), default=0)
    status = models.CharField(_("status"), max_length=12, choices=InterchangeStatus)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason, blank=True)
    #: It was no part of the import that followed the check of its file.
    was_refused = models.BooleanField(default=False, editable=False)
    conflicts_with = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, verbose_name=_("conflicts with")
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision = models.CharField(_("reason given"), max_length=500, blank=True)
    acknowledgement = models.TextField(_("acknowledgement"), blank=True)

    class Meta:
        ordering = ["file", "position"]
        verbose_name = _("interchange")
        verbose_name_plural = _("interchanges")
        constraints = [
            models.UniqueConstraint(
                fields=["file", "position"], name="edi_one_interchange_a_position"
            ),
            models.UniqueConstraint(
                fields=["sender", "recipient", "reference", "is_test", "repetition"],
                condition=Q(status__in=TAKEN),
                name="edi_same_reference_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=InterchangeStatus.values), name="edi_known_status"
            ),
        ]

    def __str__(self) -> str:
        """Return the control reference."""
        return self.reference or f"#{self.position}"
