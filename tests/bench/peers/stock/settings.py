"""Heron's settings, and django-eventstream's as its documentation sets it up with Redis."""

from __future__ import annotations

from urllib.parse import urlsplit

from heron.settings import *  # noqa: F403
from heron.settings import REDIS_URL

ROOT_URLCONF = "tests.bench.peers.stock.urls"
ASGI_APPLICATION = "tests.bench.peers.stock.asgi.application"
EVENTSTREAM_REDIS = {"unix_socket_path": urlsplit(REDIS_URL).path}
EVENTSTREAM_CHANNELMANAGER_CLASS = "apps.core.live.channels.ProgressChannelManager"
# Neither storage nor proxy, whatever Heron uses.
for name in ("EVENTSTREAM_STORAGE_CLASS", "EVENTSTREAM_STORAGE_CONNECTION", "GRIP_URL"):
    globals().pop(name, None)
