"""The company that issues the invoices."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.invoices.errors import NoCompanyError
from apps.invoices.wire import ascii_address

#: The one row's primary key.
ONLY = 1


class Company(models.Model):
    """The issuer: one row, printed on every invoice and used as the sender of every mail."""

    name = models.CharField(_("name"), max_length=120)
    siren = models.CharField("SIREN", max_length=9)
    siret = models.CharField("SIRET", max_length=14)
    vat_number = models.CharField(_("VAT number"), max_length=20)
    legal_form = models.CharField(_("legal form"), max_length=20, default="SAS")
    capital = models.PositiveIntegerField(_("capital in euros"), default=0)
    rcs = models.CharField(_("trade register"), max_length=60, blank=True)
    address = models.CharField(_("address"), max_length=200)
    postcode = models.CharField(_("postcode"), max_length=10)
    city = models.CharField(_("city"), max_length=80)
    country = models.CharField(_("country"), max_length=2, default="FR")
    iban = models.CharField("IBAN", max_length=34, blank=True)
    bic = models.CharField("BIC", max_length=11, blank=True)
    from_email = models.EmailField(_("sender's address"))
    reply_to = models.EmailField(_("address for replies"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("company")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=ONLY), name="invoices_one_company"),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save as the one row there is."""
        self.pk = ONLY
        super().save(*args, **kwargs)

    @classmethod
    def load(cls) -> Company:
        """Return the company, or say how to enter it."""
        company = cls.objects.filter(pk=ONLY).first()
        if company is None:
            raise NoCompanyError
        return company

    @property
    def sender(self) -> str:
        """The sender's address as mail servers know it: an international domain in ASCII."""
        return ascii_address(self.from_email)

    @property
    def mail_domain(self) -> str:
        """The domain that names our mails."""
        return self.sender.rpartition("@")[2]

    def snapshot(self) -> dict[str, str]:
        """Freeze what an invoice prints of its issuer."""
        return {
            "name": self.name,
            "siren": self.siren,
            "siret": self.siret,
            "vat_number": self.vat_number,
            "legal_form": self.legal_form,
            "capital": str(self.capital),
            "rcs": self.rcs,
            "address": self.address,
            "postcode": self.postcode,
            "city": self.city,
            "country": self.country,
            "iban": self.iban,
            "bic": self.bic,
            "email": self.reply_to or self.from_email,
        }
