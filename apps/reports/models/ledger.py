"""Whose books these are."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.reports.errors import NoLedgerError

#: The one row's primary key.
ONLY = 1


class Ledger(models.Model):
    """The company that the ledger belongs to: one row, locked by whoever writes entries."""

    siren = models.CharField("SIREN", max_length=9)
    name = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = verbose_name_plural = _("ledger")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=ONLY), name="reports_one_ledger"),
        ]

    def __str__(self) -> str:
        """Return the company's name."""
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save as the one row there is."""
        self.pk = ONLY
        super().save(*args, **kwargs)

    @classmethod
    def load(cls) -> Ledger:
        """Return the row, or say that there is none yet."""
        ledger = cls.objects.filter(pk=ONLY).first()
        if ledger is None:
            raise NoLedgerError
        return ledger
