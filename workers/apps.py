"""The workers' application."""

from __future__ import annotations

import dramatiq
from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """Sets the broker before any actor is declared."""

    name = "workers"

    def ready(self) -> None:
        """Make our broker Dramatiq's global one."""
        from workers.broker import build_broker

        dramatiq.set_broker(build_broker())
