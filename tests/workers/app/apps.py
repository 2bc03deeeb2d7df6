"""The app of the workers' tests."""

from __future__ import annotations

from django.apps import AppConfig


class WalkConfig(AppConfig):
    """An app without models."""

    name = "tests.workers.app"
    label = "walk"
