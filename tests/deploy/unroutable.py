"""Settings whose URLs can't be imported: Django finds out at the first request."""

from __future__ import annotations

from heron.settings import *  # noqa: F403

ROOT_URLCONF = "no_such_urls"
