"""System checks: settings without which the bar would lie or stay silent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

CHANNEL_MANAGER = "apps.core.live.channels.ProgressChannelManager"


@register()
def live_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Check what django-eventstream needs to be safe, and to work across processes."""
    found: list[CheckMessage] = []
    if getattr(settings, "EVENTSTREAM_CHANNELMANAGER_CLASS", "") != CHANNEL_MANAGER:
        found.append(
            Error(
                "EVENTSTREAM_CHANNELMANAGER_CLASS is not core's: anybody could read any channel "
                "wherever django-eventstream's own views are mounted.",
                hint=f'Set EVENTSTREAM_CHANNELMANAGER_CLASS = "{CHANNEL_MANAGER}".',
                id="core.E001",
            )
        )
    if not getattr(settings, "EVENTSTREAM_REDIS", None):
        found.append(
            Warning(
                "EVENTSTREAM_REDIS is not set: events of a worker do not reach the web process, "
                "and bars move by polling only.",
                hint='Set EVENTSTREAM_REDIS = {"host": "127.0.0.1", "port": 6379, "db": 0}.',
                id="core.W001",
            )
        )
    if "django.middleware.gzip.GZipMiddleware" in settings.MIDDLEWARE:
        found.append(
            Warning(
                "GZipMiddleware holds back the event stream.",
                hint="Remove it, and let the web server compress everything but text/event-stream.",
                id="core.W002",
            )
        )
    return found
