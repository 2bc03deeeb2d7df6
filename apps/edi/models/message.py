"""Messages: the items of an import."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .interchange import Interchange


class MessageStatus(models.TextChoices):
    """What became of a message."""

    PENDING = "pending", pgettext_lazy("message", "waiting")
    IMPORTED = "imported", pgettext_lazy("message", "imported")
    REJECTED = "rejected", pgettext_lazy("message", "refused")
    QUARANTINED = "quarantined", pgettext_lazy("message", "to decide")
    UNSUPPORTED = "unsupported", pgettext_lazy("message", "not supported")
    DISCARDED = "discarded", pgettext_lazy("message", "discarded")


class EdiMessage(models.Model):
    """One message of an interchange: where its bytes are, and what became of it."""

    interchange = models.ForeignKey(
        Interchange, models.CASCADE, related_name="messages", verbose_name=_("interchange")
    )
    position = models.PositiveIntegerField(_("position"))
    reference = models.CharField(_("reference"), max_length=80, blank=True)
    type = models.CharField(_("type"), max_length=20, blank=True)
    version = models.CharField(_("version"), max_length=40, blank=True)
    #: Its functional group, as a place in the interchange's `groups`; None outside of any.
    group = models.PositiveIntegerField(null=True, blank=True)
    #: Bytes in the file, and the number of its first segment there.
    offset = models.PositiveBigIntegerField(default=0)
    end = models.PositiveBigIntegerField(default=0)
    first_segment = models.PositiveIntegerField(default=1)
    segments = models.PositiveIntegerField(_("segments"), default=0)
    announced = models.CharField(_("announced"), max_length=80, blank=True)
    #: How many faults its envelope has.
    envelope_faults = models.PositiveIntegerField(default=0)
    status = models.CharField(
        _("status"), max_length=12, choices=MessageStatus, default=MessageStatus.PENDING
    )
    #: The job whose item it is; empty while nobody imports it.
    taken_by = models.CharField(max_length=64, blank=True, editable=False)
    #: A person has said to import it all the same, whatever document is known already.
    forced = models.BooleanField(default=False, editable=False)
    conflicts_with = models.ForeignKey(
        "edi.Document", models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["interchange", "position"]
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["taken_by", "id"], name="edi_items_of_a_job"),
            models.Index(
                fields=["interchange"],
                condition=Q(status="quarantined"),
                name="edi_messages_to_decide",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["interchange", "position"], name="edi_one_message_a_position"
            ),
        ]

    def __str__(self) -> str:
        """Return what people call it: its type and reference."""
        return f"{self.type} {self.reference}".strip()
