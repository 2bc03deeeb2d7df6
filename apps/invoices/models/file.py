"""The document of an invoice, as it was made the first time."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .invoice import Invoice


class InvoiceFile(models.Model):
    """Where an invoice's PDF is kept, and what makes it that very one.

    Made once and handed out byte for byte ever after, whatever later versions would draw.
    """

    invoice = models.OneToOneField(
        Invoice, models.PROTECT, related_name="file", verbose_name=_("invoice")
    )
    #: Below HERON_INVOICES_DIR.
    path = models.CharField(_("path"), max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.PositiveIntegerField(_("size in bytes"))
    template_version = models.PositiveSmallIntegerField(_("version of the template"))
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    class Meta:
        verbose_name = _("invoice file")
        verbose_name_plural = _("invoice files")

    def __str__(self) -> str:
        """Return the path."""
        return self.path
