"""Partners: whose files are imported, and how much is let pass."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class EnvelopePolicy(models.TextChoices):
    """What a wrong count or reference means."""

    STRICT = "strict", _("strict: a wrong envelope is refused")
    TOLERANT = "tolerant", _("tolerant: what is whole is imported, with a warning")


class DuplicatePolicy(models.TextChoices):
    """What a document means that is known already."""

    QUARANTINE = "quarantine", _("ask a person")
    REPLACE = "replace", _("replace the older one")


class Acknowledgement(models.TextChoices):
    """What is answered to a partner's interchange."""

    NONE = "none", _("none")
    AUTOMATIC = "auto", _("CONTRL or 997, as the file is")


class Partner(models.Model):
    """Somebody who sends us EDI files."""

    name = models.CharField(_("name"), max_length=200)
    edi_id = models.CharField(
        _("EDI address"), max_length=35, help_text=_("The sender in UNB or ISA, often a GLN.")
    )
    qualifier = models.CharField(_("qualifier"), max_length=4, blank=True)
    gln = models.CharField("GLN", max_length=13, blank=True)
    envelope_policy = models.CharField(
        _("envelopes"), max_length=10, choices=EnvelopePolicy, default=EnvelopePolicy.STRICT
    )
    duplicate_policy = models.CharField(
        _("duplicates"), max_length=10, choices=DuplicatePolicy, default=DuplicatePolicy.QUARANTINE
    )
    charset = models.CharField(
        _("character set"),
        max_length=20,
        blank=True,
        help_text=_("Only where the files say a wrong one; such as utf-8 or iso8859-1."),
    )
    acknowledgement = models.CharField(
        _("acknowledgement"),
        max_length=10,
        choices=Acknowledgement,
        default=Acknowledgement.AUTOMATIC,
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        constraints = [
            models.UniqueConstraint(
                fields=["edi_id", "qualifier"], name="edi_one_partner_an_address"
            ),
            models.CheckConstraint(condition=~Q(edi_id=""), name="edi_partner_has_an_address"),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def is_tolerant(self) -> bool:
        """Whether wrong counts and references are let pass."""
        return self.envelope_policy == EnvelopePolicy.TOLERANT

    def clean(self) -> None:
        """Refuse a character set that there is not."""
        import codecs

        from django.core.exceptions import ValidationError

        if self.charset:
            try:
                "".encode(codecs.lookup(self.charset).name)
            except (LookupError, UnicodeError) as error:
                text = _("There is no character set of this name.")
                raise ValidationError({"charset": text}) from error
