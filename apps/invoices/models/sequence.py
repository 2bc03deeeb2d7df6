"""The counters behind the invoices' numbers."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class NumberSequence(models.Model):
    """The last number given in a year under one prefix; its row is the lock."""

    prefix = models.CharField(_("prefix"), max_length=4)
    year = models.PositiveSmallIntegerField(_("year"))
    last = models.PositiveIntegerField(_("last number"), default=0)

    class Meta:
        verbose_name = _("number sequence")
        verbose_name_plural = _("number sequences")
        constraints = [
            models.UniqueConstraint(fields=["prefix", "year"], name="invoices_one_sequence_a_year"),
        ]

    def __str__(self) -> str:
        """Return where the sequence stands."""
        return f"{self.prefix}{self.year}: {self.last}"
