"""The reports application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    """The ledger and its reports as a Django application."""

    name = "apps.reports"
    verbose_name = _("Reports")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to jobs that are pruned."""
        from apps.reports import retention

        retention.connect()
