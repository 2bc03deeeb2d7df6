"""The ASGI entry point: `uvicorn heron.asgi:application`."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "heron.settings")

django = get_asgi_application()

# The rest can only be imported once Django is ready.
from django.conf import settings  # noqa: E402

from apps.core.live.asgi import LiveStreams  # noqa: E402

if settings.DEBUG:
    # In production nginx serves the static files; in development nobody else would.
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

    django = ASGIStaticFilesHandler(django)

# Outermost: it holds the event streams, and hands everything else on.
application = LiveStreams(django)
