"""The ASGI entry point: `uvicorn heron.asgi:application`."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heron.settings")

django.setup(set_prefix=False)

# The rest can only be imported once Django is ready.
from django.conf import settings  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402

from apps.core.live.asgi import LiveStreams  # noqa: E402
from apps.core.live.pages import Pages  # noqa: E402

pages: ASGIHandler = Pages()
if settings.DEBUG:
    # In production nginx serves the static files; in development nobody else would.
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

    pages = ASGIStaticFilesHandler(pages)

# Outermost: it holds the event streams, and hands everything else on.
application = LiveStreams(pages)
