"""The ledger's lines: written once, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.reports.accounts import SALES_JOURNAL
from apps.reports.errors import ImmutableEntryError

#: What may change once a line is written: a payment is matched with it later.
LIVING_FIELDS = frozenset({"letter", "lettered_on"})


class PieceKind(models.TextChoices):
    """The document that an entry was written for."""

    INVOICE = "invoice", _("invoice")
    CREDIT_NOTE = "credit_note", _("credit note")


class LedgerEntryQuerySet(models.QuerySet["LedgerEntry"]):
    """Querying lines, with the same protection as a single row has."""

    def update(self, **kwargs: Any) -> int:
        """Update only what may still change."""
        if kwargs.keys() - LIVING_FIELDS:
            self._refuse()
        return super().update(**kwargs)

    def bulk_update(
        self, objs: Iterable[LedgerEntry], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        """Update only what may still change."""
        rows, names = list(objs), list(fields)
        if rows and set(names) - LIVING_FIELDS:
            raise ImmutableEntryError(rows[0].piece)
        return super().bulk_update(rows, names, batch_size)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete nothing."""
        self._refuse()
        return super().delete()

    def _refuse(self) -> None:
        found = self.first()
        if found is not None:
            raise ImmutableEntryError(found.piece)


class LedgerEntry(models.Model):
    """One line of an entry; the lines with the same journal, year and number balance."""

    journal = models.CharField(_("journal"), max_length=3)
    #: Numbers begin at 1 each year, without gaps.
    year = models.PositiveSmallIntegerField(_("year"))
    number = models.PositiveIntegerField(_("entry number"))
    line = models.PositiveSmallIntegerField(_("line"))
    date = models.DateField(_("date"))
    account = models.CharField(_("account"), max_length=10)
    account_label = models.CharField(_("account label"), max_length=60)
    auxiliary = models.CharField(_("auxiliary account"), max_length=20, blank=True)
    auxiliary_label = models.CharField(_("auxiliary label"), max_length=120, blank=True)
    piece = models.CharField(_("piece"), max_length=20)
    piece_kind = models.CharField(_("kind of piece"), max_length=12, choices=PieceKind)
    label = models.CharField(_("label"), max_length=160)
    debit = models.DecimalField(_("debit"), max_digits=14, decimal_places=2, default=0)
    credit = models.DecimalField(_("credit"), max_digits=14, decimal_places=2, default=0)
    due_date = models.DateField(_("due on"), null=True, blank=True)
    #: In percent; on lines of sales and of VAT.
    vat_rate = models.DecimalField(
        _("VAT rate"), max_digits=4, decimal_places=2, null=True, blank=True
    )
    validated_on = models.DateField(_("validated on"))
    #: What the line is matched with: a customer's line is paid when it has a letter.
    letter = models.CharField(_("letter"), max_length=20, blank=True)
    lettered_on = models.DateField(_("lettered on"), null=True, blank=True)

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = _("ledger line")
        verbose_name_plural = _("ledger lines")
        indexes = [
            # None by account: the customers' is a third of all lines, and SQLite, which can't know,
            # would read them all to find those of some pieces.
            models.Index(fields=["date", "piece"], name="reports_by_date"),
            models.Index(fields=["piece"], name="reports_by_piece"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["journal", "year", "number", "line"], name="reports_one_line_a_number"
            ),
            # A piece may be paid in several instalments, but it is sold once.
            models.UniqueConstraint(
                fields=["piece", "line"],
                condition=Q(journal=SALES_JOURNAL),
                name="reports_one_sale_a_piece",
            ),
            models.CheckConstraint(
                condition=Q(debit=0, credit__gt=0) | Q(debit__gt=0, credit=0),
                name="reports_debit_or_credit",
            ),
            models.CheckConstraint(
                condition=Q(letter="", lettered_on=None)
                | (~Q(letter="") & Q(lettered_on__isnull=False)),
                name="reports_letter_has_a_date",
            ),
        ]

    def __str__(self) -> str:
        """Return where the line stands."""
        return f"{self.journal}{self.year}-{self.number:05d}/{self.line}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save a new line; of one that is there, only what may still change."""
        changes = set(kwargs.get("update_fields") or ()) or {"everything"}
        if not self._state.adding and changes - LIVING_FIELDS:
            raise ImmutableEntryError(self.piece)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise ImmutableEntryError(self.piece)
