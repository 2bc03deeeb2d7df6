"""The companies that invoices go to."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class EmailState(models.TextChoices):
    """What is known about a customer's address."""

    OK = "ok", _("nothing against it")
    #: A mail server has refused it for good.
    REFUSED = "refused", _("refused by the mail server")


class Customer(models.Model):
    """A customer as the books know it today; an invoice keeps its own copy (`buyer_snapshot`)."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120)
    siren = models.CharField("SIREN", max_length=9, blank=True)
    vat_number = models.CharField(_("VAT number"), max_length=20, blank=True)
    address = models.CharField(_("address"), max_length=200, blank=True)
    postcode = models.CharField(_("postcode"), max_length=10, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2, default="FR")
    # Not an EmailField: imported files bring addresses that aren't any, and the clerk has to see
    # them as they came.
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    language = models.CharField(
        _("language"), max_length=7, choices=settings.LANGUAGES, default="fr"
    )
    email_state = models.CharField(
        _("state of the address"), max_length=10, choices=EmailState, default=EmailState.OK
    )
    email_state_reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        ordering = ["code"]
        verbose_name = _("customer")
        verbose_name_plural = _("customers")

    def __str__(self) -> str:
        """Return the name with the code."""
        return f"{self.name} ({self.code})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; of a new address nothing is known yet."""
        if self.pk and self.email_state == EmailState.REFUSED:
            stored = type(self).objects.filter(pk=self.pk).values_list("email", flat=True).first()
            if stored is not None and stored.strip() != self.email.strip():
                self.email_state, self.email_state_reason = EmailState.OK, ""
        super().save(*args, **kwargs)

    def snapshot(self) -> dict[str, str]:
        """Freeze what an invoice prints of its buyer."""
        return {
            "code": self.code,
            "name": self.name,
            "siren": self.siren,
            "vat_number": self.vat_number,
            "address": self.address,
            "postcode": self.postcode,
            "city": self.city,
            "country": self.country,
            "email": self.email,
            "language": self.language,
        }
