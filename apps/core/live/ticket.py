"""Stream tickets: a page's permission to open its stream, checked without a Django request.

A ticket comes with a page or a snapshot, to a reader whose rights have just been checked. It names
the user, the session and the channels, and is good for TICKET_SECONDS, with the same session's
cookie only. Whether the session still lives is asked soon after (`rights.py`). Whoever has no
valid ticket is checked by the view as ever.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from time import time
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.cookie import parse_cookie
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.core.conf import conf
from apps.core.live.kick import session_hash
from apps.core.live.rights import Pass

SALT = "apps.core.live.ticket"
#: A ticket may come from a machine whose clock is so much ahead.
CLOCKS_DIFFER_SECONDS = 5
#: More would be an attempt to keep us busy.
MOST_TICKETS = 10


def ticket_of(pass_: Pass) -> str:
    """Issue a ticket to somebody who reads already, for when the stream is lost."""
    return sign([pass_.user_id, session_hash(pass_.session_key or ""), *pass_.channels])


def sign(told: list[Any]) -> str:
    """Seal what a ticket tells.

    Not by `django.core.signing`, which derives its key anew for every signature: thousands of pages
    come at once after a restart, and it would take half of what opening a stream takes.
    """
    body = urlsafe_b64encode(json.dumps([int(time()), *told]).encode())
    return f"{body.decode()}.{_seal(body)}"


def unsign(ticket: str) -> list[Any]:
    """Give what was sealed. Raises BadSignature for a forged ticket, and for an old one."""
    body, _, seal = ticket.partition(".")
    if not constant_time_compare(seal, _seal(body.encode())):
        raise signing.BadSignature("the seal is broken")
    told: list[Any]
    issued_at, *told = json.loads(urlsafe_b64decode(body))
    if not -CLOCKS_DIFFER_SECONDS <= time() - issued_at <= conf.TICKET_SECONDS:
        raise signing.SignatureExpired("the ticket is too old")
    return told


def _seal(body: bytes) -> str:
    return hmac.digest(_key(settings.SECRET_KEY), body, "sha256").hex()


@cache
def _key(secret: str) -> bytes:
    """Derive the key that is used for tickets and for nothing else."""
    return salted_hmac(SALT, "key", secret=secret, algorithm="sha256").digest()


def ticket_for(request: HttpRequest, channels: Sequence[str]) -> str:
    """Issue a ticket for channels that the reader may read; empty where there is no session."""
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    if not session_key or not request.user.is_authenticated:
        return ""
    told = [str(request.user.pk), session_hash(session_key), *channels]
    return sign(told)


def check(tickets: Iterable[str], channels: Iterable[str], cookies: str) -> Pass | None:
    """Give the pass that tickets and cookies are good for together, or None."""
    session_key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
    if not session_key:
        return None
    session = session_hash(session_key)
    allowed: set[str] = set()
    user_ids: set[str] = set()
    for ticket in list(tickets)[:MOST_TICKETS]:
        try:
            told = unsign(ticket)
        except signing.BadSignature:
            return None
        user_id, holder, *readable = told
        if holder != session:
            return None
        user_ids.add(user_id)
        allowed.update(readable)
    wanted = tuple(sorted(set(channels)))
    if len(user_ids) != 1 or not wanted or not allowed.issuperset(wanted):
        return None
    return Pass(user_ids.pop(), session_key, wanted)
