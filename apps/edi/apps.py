"""The edi application."""

from __future__ import annotations

from django.apps import AppConfig


class EdiConfig(AppConfig):
    """The edi application."""

    name = "apps.edi"
