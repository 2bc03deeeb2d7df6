"""The product's settings, with the app of the workers' tests."""

from __future__ import annotations

from heron.settings import *  # noqa: F403
from heron.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.workers.app.apps.WalkConfig"]
