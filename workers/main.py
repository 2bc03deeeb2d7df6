"""What a worker process runs: `dramatiq workers.main`."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heron.settings")
django.setup()

import dramatiq  # noqa: E402 (the broker is set by django.setup)

from workers.discovery import import_actors  # noqa: E402

import_actors()
broker = dramatiq.get_broker()
