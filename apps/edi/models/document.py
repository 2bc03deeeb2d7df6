"""Documents: orders, despatch advices and invoices, made of messages."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .message import EdiMessage
from .partner import Partner


class DocumentKind(models.TextChoices):
    """What a document is."""

    ORDER = "order", _("order")
    DESPATCH = "despatch", _("despatch advice")
    INVOICE = "invoice", _("invoice")
    CREDIT = "credit", _("credit note")


class DocumentStatus(models.TextChoices):
    """Whether a document counts."""

    ACTIVE = "active", pgettext_lazy("document", "valid")
    REPLACED = "replaced", pgettext_lazy("document", "replaced")
    CANCELLED = "cancelled", pgettext_lazy("document", "cancelled")


class Document(models.Model):
    """One document; `function` is EDIFACT 1225: 9 original, 5 replaces, 4 changes, 1 cancels."""

    message = models.OneToOneField(
        EdiMessage, models.PROTECT, related_name="document", verbose_name=_("message")
    )
    partner = models.ForeignKey(
        Partner, models.PROTECT, related_name="documents", verbose_name=_("partner")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=DocumentKind)
    number = models.CharField(_("number"), max_length=70)
    function = models.CharField(_("function"), max_length=3, default="9")
    status = models.CharField(
        _("status"), max_length=10, choices=DocumentStatus, default=DocumentStatus.ACTIVE
    )
    date = models.DateField(_("date"), null=True, blank=True)
    delivery_date = models.DateField(_("delivery"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    order_ref = models.CharField(_("order"), max_length=70, blank=True)
    buyer_id = models.CharField(_("buyer's number"), max_length=80, blank=True)
    buyer_name = models.CharField(_("buyer"), max_length=200, blank=True)
    supplier_id = models.CharField(_("supplier's number"), max_length=80, blank=True)
    supplier_name = models.CharField(_("supplier"), max_length=200, blank=True)
    ship_to_id = models.CharField(_("place of delivery's number"), max_length=80, blank=True)
    ship_to_name = models.CharField(_("place of delivery"), max_length=200, blank=True)
    total = models.DecimalField(_("total"), max_digits=18, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "kind", "number"],
                condition=Q(status="active"),
                name="edi_one_valid_document_a_number",
            ),
        ]

    def __str__(self) -> str:
        """Return the number."""
        return self.number


class DocumentLine(models.Model):
    """One line of a document."""

    document = models.ForeignKey(
        Document, models.CASCADE, related_name="lines", verbose_name=_("document")
    )
    position = models.PositiveIntegerField(_("position"))
    gtin = models.CharField("GTIN", max_length=35, blank=True)
    buyer_ref = models.CharField(_("buyer's reference"), max_length=80, blank=True)
    supplier_ref = models.CharField(_("supplier's reference"), max_length=80, blank=True)
    label = models.CharField(_("label"), max_length=500, blank=True)
    quantity = models.DecimalField(
        _("quantity"), max_digits=18, decimal_places=4, null=True, blank=True
    )
    unit = models.CharField(_("unit"), max_length=8, blank=True)
    price = models.DecimalField(
        _("unit price"), max_digits=18, decimal_places=6, null=True, blank=True
    )
    #: The quantity that the price is for.
    price_per = models.DecimalField(max_digits=12, decimal_places=3, default=Decimal(1))
    net = models.DecimalField(_("net"), max_digits=18, decimal_places=2, null=True, blank=True)
    sscc = models.CharField("SSCC", max_length=35, blank=True)

    class Meta:
        ordering = ["document", "position"]
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints = [
            models.UniqueConstraint(
                fields=["document", "position"], name="edi_one_line_a_position"
            ),
        ]

    def __str__(self) -> str:
        """Return the position."""
        return str(self.position)
