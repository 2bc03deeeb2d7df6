"""The invoices application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvoicesConfig(AppConfig):
    """Invoices and their mails as a Django application."""

    name = "apps.invoices"
    verbose_name = _("Invoices")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to what people decide about e-mails in doubt."""
        from apps.invoices import receivers

        receivers.connect()
