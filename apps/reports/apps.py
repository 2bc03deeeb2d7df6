"""The reports application."""

from __future__ import annotations

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """The reports application."""

    name = "apps.reports"
