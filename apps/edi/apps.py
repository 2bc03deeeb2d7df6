"""The EDI application."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EdiConfig(AppConfig):
    """The EDI desk as a Django application."""

    name = "apps.edi"
    verbose_name = _("EDI")
    default_auto_field = "django.db.models.BigAutoField"
