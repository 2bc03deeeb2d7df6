"""The product's settings, with the app of the kill tests and a shorter patience."""

from __future__ import annotations

from heron.settings import *  # noqa: F403
from heron.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.kill.app.apps.KillConfig"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

PROGRESS_LEASE_SECONDS = 2.0
PROGRESS_RING_AGAIN_SECONDS = 3.0
#: A test kills the same job more often than anything else would.
PROGRESS_MAX_ATTEMPTS = 1000
