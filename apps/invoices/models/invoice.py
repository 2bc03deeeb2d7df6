"""Invoices and credit notes: drafts can be edited, validated ones never change."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Round
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from apps.invoices import vat
from apps.invoices.errors import ImmutableInvoiceError

from .customer import Customer

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from .line import InvoiceLine


class InvoiceKind(models.IntegerChoices):
    """The document's code in UNTDID 1001, as electronic invoices carry it."""

    INVOICE = 380, _("invoice")
    CREDIT_NOTE = 381, _("credit note")


class InvoiceStatus(models.TextChoices):
    """Whether the invoice exists for the outside world."""

    DRAFT = "draft", _("draft")
    VALIDATED = "validated", _("validated")


class OperationCategory(models.TextChoices):
    """What is sold, in the codes that French invoices carry as BT-23 (framework of invoicing)."""

    GOODS = "B1", _("goods")
    SERVICES = "S1", _("services")
    MIXED = "M1", _("goods and services")


#: What may still change once an invoice is validated.
LIVING_FIELDS = frozenset({"paid_amount", "paid_on"})


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    """Querying invoices, with the same protection as a single row has."""

    def validated(self) -> InvoiceQuerySet:
        """Keep those that may be sent."""
        return self.filter(status=InvoiceStatus.VALIDATED)

    def update(self, **kwargs: Any) -> int:
        """Update drafts freely, validated invoices only where they may still change."""
        if kwargs.keys() - LIVING_FIELDS:
            self._refuse_validated()
        return super().update(**kwargs)

    def bulk_update(
        self, objs: Iterable[Invoice], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """Update drafts freely, validated invoices only where they may still change."""
        rows = list(objs)
        if set(fields) - LIVING_FIELDS:
            self.filter(pk__in=[row.pk for row in rows])._refuse_validated()
        return super().bulk_update(rows, fields, batch_size)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete drafts only."""
        self._refuse_validated()
        return super().delete()

    def _refuse_validated(self) -> None:
        # order_by() and [:1] don't mix with a sliced query; a fresh filter on pk does.
        found = self.model.objects.filter(
            pk__in=self.values("pk"), status=InvoiceStatus.VALIDATED
        ).first()
        if found is not None:
            raise ImmutableInvoiceError(str(found.number))


class Invoice(models.Model):
    """An invoice; correct a validated one with a credit note."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True, null=True, blank=True)
    kind = models.PositiveSmallIntegerField(
        _("kind"), choices=InvoiceKind, default=InvoiceKind.INVOICE
    )
    status = models.CharField(
        _("status"), max_length=10, choices=InvoiceStatus, default=InvoiceStatus.DRAFT
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="invoices", verbose_name=_("customer")
    )
    # Frozen at validation: the document must not change when a customer moves or we do.
    buyer_snapshot = models.JSONField(_("buyer as invoiced"), default=dict, blank=True)
    seller_snapshot = models.JSONField(_("issuer as invoiced"), default=dict, blank=True)
    issue_date = models.DateField(_("issued on"))
    due_date = models.DateField(_("due on"))
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    operation_category = models.CharField(
        _("operations"),
        max_length=2,
        choices=OperationCategory,
        default=OperationCategory.MIXED,
    )
    #: The validated invoice that a credit note takes back, in whole or in part.
    corrects = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="credit_notes",
        verbose_name=_("corrects"),
    )
    order_ref = models.CharField(_("order reference"), max_length=60, blank=True)
    total_net = models.DecimalField(_("net"), max_digits=12, decimal_places=2, default=0)
    total_vat = models.DecimalField(_("VAT"), max_digits=12, decimal_places=2, default=0)
    total_gross = models.DecimalField(_("total"), max_digits=12, decimal_places=2, default=0)
    paid_amount = models.DecimalField(_("paid"), max_digits=12, decimal_places=2, default=0)
    paid_on = models.DateField(_("paid on"), null=True, blank=True)

    objects = InvoiceQuerySet.as_manager()

    if TYPE_CHECKING:
        lines: RelatedManager[InvoiceLine]

    class Meta:
        ordering = ["-issue_date", "-number"]
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        indexes = [
            models.Index(fields=["-issue_date", "-number"], name="invoices_by_date"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(due_date__gte=F("issue_date")), name="invoices_due_after_issue"
            ),
            models.CheckConstraint(
                # Rounded, because SQLite adds decimals as floats.
                condition=Q(total_gross=Round(F("total_net") + F("total_vat"), 2)),
                name="invoices_gross_is_net_plus_vat",
            ),
            models.CheckConstraint(
                condition=Q(status=InvoiceStatus.DRAFT, number__isnull=True)
                | Q(status=InvoiceStatus.VALIDATED, number__isnull=False),
                name="invoices_numbered_when_validated",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=InvoiceKind.values), name="invoices_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(operation_category__in=OperationCategory.values),
                name="invoices_known_category",
            ),
            models.CheckConstraint(
                condition=Q(corrects__isnull=True) | Q(kind=InvoiceKind.CREDIT_NOTE),
                name="invoices_only_credit_notes_correct",
            ),
            models.CheckConstraint(
                condition=Q(paid_amount__gte=0, paid_amount__lte=F("total_gross")),
                name="invoices_paid_at_most_in_full",
            ),
        ]

    def __str__(self) -> str:
        """Return the number, or say that there is none yet."""
        return self.number or f"draft {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, unless it would change what a validated invoice says."""
        if not self._state.adding:
            self._refuse_changes()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete a draft."""
        if type(self).objects.filter(pk=self.pk, status=InvoiceStatus.VALIDATED).exists():
            raise ImmutableInvoiceError(str(self.number))
        return super().delete(*args, **kwargs)

    @property
    def open_amount(self) -> Decimal:
        """What remains to be paid."""
        return self.total_gross - self.paid_amount

    @property
    def paid(self) -> bool:
        """Whether nothing of it remains to be paid."""
        return self.paid_amount == self.total_gross > 0

    @property
    def is_credit_note(self) -> bool:
        """Whether it takes an amount back instead of asking for one."""
        return self.kind == InvoiceKind.CREDIT_NOTE

    @property
    def buyer_name(self) -> str:
        """The customer's name as invoiced."""
        return str(self.buyer_snapshot.get("name", ""))

    @property
    def buyer_code(self) -> str:
        """The customer's code as invoiced."""
        return str(self.buyer_snapshot.get("code", ""))

    @cached_property
    def per_rate(self) -> tuple[vat.RateTotal, ...]:
        """Net amount and VAT of each rate, from the highest to the lowest; kept once computed."""
        return vat.total((line.vat_rate, line.net) for line in self.lines.all()).per_rate

    def _refuse_changes(self) -> None:
        frozen = [
            field.attname
            for field in self._meta.concrete_fields
            if field.attname not in LIVING_FIELDS
        ]
        stored = type(self).objects.filter(pk=self.pk).values(*frozen).first()
        if stored is None or stored["status"] != InvoiceStatus.VALIDATED:
            return
        deferred = self.get_deferred_fields()
        if any(stored[name] != getattr(self, name) for name in frozen if name not in deferred):
            raise ImmutableInvoiceError(str(stored["number"]))
