"""The core application."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The progress framework as a Django application."""

    name = "apps.core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the publisher to the rows, streams to logouts, and register the system checks."""
        from apps.core import (
            checks,  # noqa: F401 (registers itself)
            fanout,
        )
        from apps.core.live import kick, publisher

        publisher.connect()
        kick.connect()
        fanout.connect()
