"""Faults: what was found wrong, where, and in which standard's words."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.edi import words
from apps.edi.reader import Fault, Kind, Level

from .file import EdiFile
from .interchange import Interchange
from .message import EdiMessage


class EdiFault(models.Model):
    """One fault of a file, an interchange or a message; `words.py` makes a sentence of it."""

    file = models.ForeignKey(EdiFile, models.CASCADE, related_name="faults")
    interchange = models.ForeignKey(
        Interchange, models.CASCADE, null=True, blank=True, related_name="faults"
    )
    message = models.ForeignKey(
        EdiMessage, models.CASCADE, null=True, blank=True, related_name="faults"
    )
    kind = models.CharField(max_length=24)
    level = models.CharField(_("level"), max_length=12)
    code = models.CharField(_("code"), max_length=12)
    #: Counted in the file; and the byte.
    segment = models.PositiveIntegerField(_("segment"), default=0)
    offset = models.PositiveBigIntegerField(default=0)
    tag = models.CharField(_("tag"), max_length=80, blank=True)
    element = models.PositiveSmallIntegerField(_("element"), default=0)
    component = models.PositiveSmallIntegerField(_("component"), default=0)
    params = models.JSONField(default=dict, blank=True)
    is_warning = models.BooleanField(_("warning"), default=False)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("fault")
        verbose_name_plural = _("faults")
        constraints = [
            models.CheckConstraint(
                condition=Q(message=None) | Q(interchange__isnull=False),
                name="edi_fault_of_a_message_has_an_interchange",
            ),
        ]

    def __str__(self) -> str:
        """Return the code and the kind."""
        return f"{self.code} {self.kind}"

    def as_read(self) -> Fault:
        """Give it as the reader did."""
        return Fault(
            kind=Kind(self.kind),
            level=Level(self.level),
            code=self.code,
            segment=self.segment,
            offset=self.offset,
            tag=self.tag,
            element=self.element,
            component=self.component,
            params=self.params,
        )

    @property
    def sentence(self) -> str:
        """Say it in plain words, in the active language."""
        facts = {"tag": self.tag, "segment": self.segment, "offset": self.offset}
        return words.sentence(self.kind, self.level, {**self.params, **facts})
