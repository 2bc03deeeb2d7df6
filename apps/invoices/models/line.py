"""The lines of an invoice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.invoices import vat
from apps.invoices.errors import ImmutableInvoiceError

from .invoice import Invoice, InvoiceStatus

#: Invoices looked up in one statement.
BATCH = 500


class InvoiceLineQuerySet(models.QuerySet["InvoiceLine"]):
    """Querying lines, with the same protection as a single row has."""

    def update(self, **kwargs: Any) -> int:
        """Update lines of drafts only."""
        self._refuse_validated()
        return super().update(**kwargs)

    def bulk_update(
        self, objs: Iterable[InvoiceLine], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """Update lines of drafts only."""
        rows = list(objs)
        self.filter(pk__in=[row.pk for row in rows])._refuse_validated()
        return super().bulk_update(rows, fields, batch_size)

    def bulk_create(
        self, objs: Iterable[InvoiceLine], *args: Any, **kwargs: Any
    ) -> list[InvoiceLine]:
        """Add lines to drafts, or to invoices that are validated with their lines just now."""
        rows = list(objs)
        invoices = sorted({row.invoice_id for row in rows})
        for start in range(0, len(invoices), BATCH):
            # One that has lines in the database is not being made just now.
            self.model.objects.filter(
                invoice__in=invoices[start : start + BATCH]
            )._refuse_validated()
        return super().bulk_create(rows, *args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete lines of drafts only."""
        self._refuse_validated()
        return super().delete()

    def _refuse_validated(self) -> None:
        line = self.filter(invoice__status=InvoiceStatus.VALIDATED).first()
        if line is not None:
            raise ImmutableInvoiceError(str(line.invoice.number))


class InvoiceLine(models.Model):
    """One line of an invoice."""

    invoice = models.ForeignKey(
        Invoice, models.CASCADE, related_name="lines", verbose_name=_("invoice")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    label = models.CharField(_("label"), max_length=300)
    quantity = models.DecimalField(_("quantity"), max_digits=10, decimal_places=3)
    # UNECE Recommendation 20: C62 piece, HUR hour, DAY day, KGM kilogram…
    unit = models.CharField(_("unit"), max_length=3, default="C62")
    unit_price = models.DecimalField(_("unit price"), max_digits=12, decimal_places=4)
    vat_rate = models.DecimalField(_("VAT rate"), max_digits=4, decimal_places=2)
    net = models.DecimalField(_("net"), max_digits=12, decimal_places=2, editable=False)

    objects = InvoiceLineQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "position"], name="invoices_one_line_a_position"
            ),
            models.CheckConstraint(
                condition=Q(vat_rate__in=vat.RATES), name="invoices_known_vat_rate"
            ),
        ]

    def __str__(self) -> str:
        """Return the label."""
        return self.label

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Compute the net amount and save, unless the invoice is validated."""
        self._refuse_validated()
        self.net = vat.line_net(self.quantity, self.unit_price)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete a draft's line."""
        self._refuse_validated()
        return super().delete(*args, **kwargs)

    def _refuse_validated(self) -> None:
        invoice = Invoice.objects.filter(pk=self.invoice_id, status=InvoiceStatus.VALIDATED).first()
        if invoice is not None:
            raise ImmutableInvoiceError(str(invoice.number))
