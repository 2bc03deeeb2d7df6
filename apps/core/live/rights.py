"""Whether those who read may still read: asked again for all streams, off the event loop.

One thread, and a few queries for thousands of streams: the sessions, the users, the jobs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.core.exceptions import ValidationError
from django.db import Error as DatabaseProblem
from django.db import connections
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_eventstream.utils import get_channelmanager

from apps.core.conf import conf
from apps.core.live import kick
from apps.core.live.event import encode

if TYPE_CHECKING:
    from apps.core.live.hub import Hub
    from apps.core.live.reader import Reader

ROWS_AT_ONCE = 500
#: New readers that are checked in one go; the others wait for the next beat.
NEW_AT_ONCE = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pass:
    """Who reads, and what; `session_key` is None where the user is not known by a session."""

    user_id: str
    session_key: str | None
    channels: tuple[str, ...]


class Rights:
    """Ends the streams of those who may read no more."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._executor: ThreadPoolExecutor | None = None
        self._unchecked: list[Reader] = []
        #: Who is still to be asked in this round, and how many of them per second.
        self._round: list[Reader] = []
        self._per_second = 0.0
        self._next_round = self._last_beat = 0.0
        self._task: asyncio.Task[None] | None = None

    def check_soon(self, reader: Reader) -> None:
        """Check a reader that was let in on a ticket, at the next beat."""
        self._unchecked.append(reader)

    def beat(self) -> None:
        """Check the new ones, and within every RECHECK_SECONDS all: some with each beat.

        All at once, the thread would hold up the event loop.
        """
        now = asyncio.get_running_loop().time()
        if self._task is not None:
            return
        if now >= self._next_round:
            self._round = [reader for reader in self._hub.readers if not reader.ended]
            self._per_second = len(self._round) / conf.RECHECK_SECONDS
            self._next_round, self._last_beat = now + conf.RECHECK_SECONDS, now
        share = math.ceil(self._per_second * (now - self._last_beat))
        self._last_beat = now
        readers, self._round = self._round[:share], self._round[share:]
        readers += self._unchecked[:NEW_AT_ONCE]
        del self._unchecked[:NEW_AT_ONCE]
        if readers:
            self._task = asyncio.create_task(self._check(readers), name="heron-rights")

    def kicked(self, raw: bytes) -> None:
        """End the streams that a message of `kick` means."""
        try:
            told = json.loads(raw)
            session, user, channel = (told.get(name) for name in ("session", "user", "channel"))
        except (ValueError, AttributeError) as error:
            logger.warning("a message on %s could not be read: %s", kick.TOPIC.decode(), error)
            return

        def is_meant(reader: Reader) -> bool:
            held: Pass | None = reader.pass_
            if held is None:
                return False
            if session:
                return (
                    held.session_key is not None and kick.session_hash(held.session_key) == session
                )
            return held.user_id == user and channel in held.channels

        self._hub.end(is_meant, forbidden([channel] if channel else []))

    async def _check(self, readers: Sequence[Reader]) -> None:
        passes = {reader.pass_ for reader in readers if reader.pass_ is not None}
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="heron-rights")
        loop = asyncio.get_running_loop()
        try:
            lost = await loop.run_in_executor(self._executor, _lost_in_this_thread, passes)
        except DatabaseProblem as error:
            # Whoever was allowed to read reads on until the database can say otherwise.
            logger.warning("rights can't be checked now: %s", error)
        else:
            for reader in readers:
                if reader.pass_ in lost:
                    reader.end(forbidden(lost[reader.pass_]))
        finally:
            self._task = None


def forbidden(channels: Sequence[str]) -> bytes:
    """Say why a stream ends, in django-eventstream's words."""
    text = "Permission denied to channels: " + ", ".join(channels)
    if not channels:
        text = "The session has ended"
    data = {"condition": "forbidden", "text": text, "channels": list(channels)}
    return encode(b"stream-error", b"error", json.dumps(data).encode())


def _lost_in_this_thread(passes: Iterable[Pass]) -> dict[Pass, list[str]]:
    try:
        return lost(passes)
    finally:
        connections.close_all()


def lost(passes: Iterable[Pass]) -> dict[Pass, list[str]]:
    """Find who may read no more: with the channels, or with none when the session has ended."""
    passes = list(passes)
    sessions = _sessions({held.session_key for held in passes if held.session_key})
    users = _users({held.user_id for held in passes})
    found: dict[Pass, list[str]] = {}
    living: list[Pass] = []
    asked: dict[str, set[str]] = {}
    logins = {(held.user_id, held.session_key) for held in passes}
    valid = {login for login in logins if _is_logged_in(*login, users, sessions)}
    for held in passes:
        if (held.user_id, held.session_key) not in valid:
            found[held] = []
        else:
            living.append(held)
            asked.setdefault(held.user_id, set()).update(held.channels)
    readable = _readable({users[user_id]: channels for user_id, channels in asked.items()})
    for held in living:
        allowed = readable[held.user_id]
        forbidden_now = [channel for channel in held.channels if channel not in allowed]
        if forbidden_now:
            found[held] = forbidden_now
    return found


def _is_logged_in(
    user_id: str,
    session_key: str | None,
    users: dict[str, AbstractBaseUser],
    sessions: dict[str, dict[str, Any]],
) -> bool:
    user = users.get(user_id)
    if user is None or not user.is_active:
        return False
    if session_key is None:
        return True
    session = sessions.get(session_key)
    if session is None or str(session.get(SESSION_KEY)) != user_id:
        return False
    known = session.get(HASH_SESSION_KEY)
    # A user model need not have the hash that a change of password changes.
    if known is None or not hasattr(user, "get_session_auth_hash"):
        return known is None
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(known, one) for one in hashes)


def _sessions(keys: set[str]) -> dict[str, dict[str, Any]]:
    """Load the sessions that have not ended, by key."""
    store_class = import_module(settings.SESSION_ENGINE).SessionStore
    if not issubclass(store_class, DatabaseSessions):
        loaded = {key: store_class(key).load() for key in keys}
        return {key: session for key, session in loaded.items() if session}
    found: dict[str, dict[str, Any]] = {}
    store = store_class()
    for part in _parts(sorted(keys)):
        rows = store_class.get_model_class().objects.filter(
            session_key__in=part, expire_date__gt=timezone.now()
        )
        for key, data in rows.values_list("session_key", "session_data"):
            found[key] = store.decode(data)
    return found


def _users(user_ids: set[str]) -> dict[str, AbstractBaseUser]:
    manager = get_user_model()._default_manager
    found: dict[str, AbstractBaseUser] = {}
    try:
        for part in _parts(sorted(user_ids)):
            found.update({str(user.pk): user for user in manager.filter(pk__in=part)})
    except (ValueError, ValidationError):
        logger.warning("a stream is read by somebody whose user id is none")
    return found


def _readable(asked: dict[AbstractBaseUser, set[str]]) -> dict[str, set[str]]:
    """Tell which of the channels each user may read, by the user's id."""
    manager = get_channelmanager()
    if hasattr(manager, "readable"):
        return {str(user.pk): allowed for user, allowed in manager.readable(asked).items()}
    return {
        str(user.pk): {channel for channel in channels if manager.can_read_channel(user, channel)}
        for user, channels in asked.items()
    }


def _parts(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[n : n + ROWS_AT_ONCE] for n in range(0, len(values), ROWS_AT_ONCE))
