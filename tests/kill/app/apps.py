"""The app of the kill tests."""

from __future__ import annotations

from django.apps import AppConfig


class KillConfig(AppConfig):
    """Puts failpoints around the product's seams, from the outside."""

    name = "tests.kill.app"
    label = "kill"

    def ready(self) -> None:
        """Wrap the seams, and let a file step this process's clock."""
        from tests.kill.app import clock, seams

        clock.install()
        seams.install()
