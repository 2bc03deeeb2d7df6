"""Deliveries: one e-mail's fate.

The constraints are the last word on sending twice: whatever two pages, two workers or two servers
do at the same moment, the database lets only one delivery of an invoice be under way or accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, cast

from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext_lazy as _

from apps.core.statuses import TERMINAL

from .invoice import Invoice
from .mailing import Mailing

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class Outcome(TypedDict):
        """What `with_outcome` adds."""

        outcome: Any

    DeliveryWithOutcome = WithAnnotations["Delivery", Outcome]


class DeliveryStatus(models.TextChoices):
    """What became of a mail."""

    PENDING = "pending", _("waiting")
    #: Claimed by a worker; the mail server may have it already.
    SENDING = "sending", _("being sent")
    #: The mail server answered 250; what happens after is not known.
    ACCEPTED = "accepted", _("accepted by the mail server")
    #: The mail server said no for good (5xx), or the address isn't one.
    REFUSED = "refused", _("refused")
    #: Not sent, but another try may work (4xx, server away).
    FAILED = "failed", _("failed")
    #: The line broke after the mail was handed over: nobody knows.
    UNKNOWN = "unknown", _("in doubt")
    #: Nothing to send it to.
    SKIPPED = "skipped", _("skipped")
    #: A dry run has made the e-mail, and not sent it.
    CHECKED = "checked", _("checked, not sent")
    CANCELLED = "cancelled", _("cancelled")


#: While a delivery is in one of these, its invoice can't be sent again.
ACTIVE = (
    DeliveryStatus.PENDING,
    DeliveryStatus.SENDING,
    DeliveryStatus.ACCEPTED,
    DeliveryStatus.UNKNOWN,
)

#: What a person has to look at.
FAILED = (DeliveryStatus.REFUSED, DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Querying deliveries."""

    def abandoned(self) -> DeliveryQuerySet:
        """Keep what its job left waiting when it ended: no mail was begun."""
        return self.filter(status=DeliveryStatus.PENDING, mailing__job__status__in=TERMINAL)

    def with_outcome(self) -> models.QuerySet[DeliveryWithOutcome]:
        """Add `outcome`: the status as a reader should see it once the job has ended."""
        ended = Q(mailing__job__status__in=TERMINAL)
        shown = Case(
            When(ended & Q(status=DeliveryStatus.PENDING), then=Value("cancelled")),
            When(ended & Q(status=DeliveryStatus.SENDING), then=Value("unknown")),
            default="status",
        )
        return cast("models.QuerySet[DeliveryWithOutcome]", self.annotate(outcome=shown))


class Delivery(models.Model):
    """One invoice sent to one address: the item of a mailing's job."""

    mailing = models.ForeignKey(
        Mailing, models.PROTECT, related_name="deliveries", verbose_name=_("mailing")
    )
    invoice = models.ForeignKey(
        Invoice, models.PROTECT, related_name="deliveries", verbose_name=_("invoice")
    )
    recipient = models.CharField(_("recipient"), max_length=254, blank=True)
    #: Whether it is meant for the customer. A rehearsal gets in nobody's way.
    live = models.BooleanField(_("in earnest"), default=True)
    # 1 for an invoice's first mail, 2 when it is sent anew after a refusal… 0 for a rehearsal.
    generation = models.PositiveSmallIntegerField(_("generation"), default=1)
    message_id = models.CharField("Message-ID", max_length=200, unique=True)
    status = models.CharField(
        _("status"), max_length=10, choices=DeliveryStatus, default=DeliveryStatus.PENDING
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    #: How often in a row the mail server has put it off, and when it is tried again.
    deferrals = models.PositiveSmallIntegerField(_("times put off"), default=0)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    smtp_code = models.PositiveSmallIntegerField(_("SMTP code"), null=True, blank=True)
    smtp_text = models.CharField(_("server's words"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    claimed_at = models.DateTimeField(_("begun at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [models.Index(fields=["mailing", "status"], name="invoices_by_outcome")]
        constraints = [
            models.UniqueConstraint(
                fields=["mailing", "invoice"], name="invoices_once_in_a_mailing"
            ),
            models.UniqueConstraint(
                fields=["invoice", "generation"],
                condition=Q(live=True),
                name="invoices_one_delivery_a_generation",
            ),
            models.UniqueConstraint(
                fields=["invoice"],
                condition=Q(status__in=ACTIVE, live=True),
                name="invoices_one_active_delivery",
            ),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryStatus.values), name="invoices_known_outcome"
            ),
        ]

    def __str__(self) -> str:
        """Return the Message-ID without its brackets."""
        return self.message_id.strip("<>")
