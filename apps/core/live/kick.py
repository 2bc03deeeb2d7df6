"""Tell all web processes that somebody's streams must end.

Two things are told at once: a session that is logged out, and a permission that is taken away
through django-eventstream's `channel_permission_changed`. The rest (a user deactivated, a job
deleted) is found by the check of rights that runs every few seconds.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from typing import Any

import django_grip
from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from redis.exceptions import RedisError

from apps.core.live.breaker import breaker
from apps.core.live.valkey import client, is_configured

TOPIC = b"heron:kick"

logger = logging.getLogger(__name__)


def session_hash(session_key: str) -> str:
    """Name a session to others, who must not learn its key."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:32]


def end_session(session_key: str) -> None:
    """End the streams of a session."""
    _tell({"session": session_hash(session_key)})


def forbid(user_id: object, channel: str) -> None:
    """End a user's streams of a channel."""
    _tell({"user": str(user_id), "channel": channel})


def connect() -> None:
    """Listen to logouts, and to django-eventstream."""
    user_logged_out.connect(_on_logged_out, dispatch_uid="core.kick")
    control = django_grip.get_pubcontrol()
    if not any(isinstance(one, KickClient) for one in control.clients):
        control.add_client(KickClient())


class KickClient:
    """A client of django-eventstream's GRIP publishing: its public way to hear of a kick.

    `channel_permission_changed(user, channel)` ends streams in its own process and publishes the
    kick for GRIP proxies; here it is published for our web processes.
    """

    def publish(
        self,
        channel: str,
        item: Any,
        blocking: bool = False,
        callback: Callable[[bool, str], None] | None = None,
    ) -> None:
        """Take an item; only the first of the two that make a kick is of interest."""
        prefix = f"{getattr(settings, 'GRIP_PREFIX', '')}user-"
        if item.id == "kick-1" and channel.startswith(prefix):
            readable = str((item.meta or {}).get("require_sub", "")).removeprefix("events-")
            forbid(channel.removeprefix(prefix), readable)
        if callback is not None:
            callback(True, "")

    def wait_all_sent(self) -> None:
        """Return: nothing waits."""

    def close(self) -> None:
        """Return: nothing is open."""


def _on_logged_out(sender: object, *, request: Any, **_: Any) -> None:
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    if session_key:
        end_session(session_key)


def _tell(message: dict[str, str]) -> None:
    if not is_configured():
        return
    try:
        with breaker.trying():
            client().publish(TOPIC, json.dumps(message))
    except (RedisError, OSError) as error:
        logger.warning("streams end at the next check of rights, not at once: %s", error)
