"""Stream tickets: a page's permission to open its stream, checked without a Django request.

A ticket comes with a page or a snapshot, to a reader whose rights have just been checked. It names
the user, the session and the channels, and is good for TICKET_SECONDS, with the same session's
cookie only. Whether the session still lives is asked soon after (`rights.py`). Whoever has no
valid ticket is checked by the view as ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from apps.core.conf import conf
from apps.core.live.kick import session_hash
from apps.core.live.rights import Pass

SALT = "apps.core.live.ticket"
#: More would be an attempt to keep us busy.
MOST_TICKETS = 10


@cache
def _signer(key: str) -> signing.TimestampSigner:
    """Keep the signer: making one takes as long as checking a signature."""
    return signing.TimestampSigner(salt=SALT)


def ticket_for(request: HttpRequest, channels: Sequence[str]) -> str:
    """Issue a ticket for channels that the reader may read; empty where there is no session."""
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    if not session_key or not request.user.is_authenticated:
        return ""
    told = [str(request.user.pk), session_hash(session_key), *channels]
    return str(_signer(settings.SECRET_KEY).sign_object(told))


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
            told: Any = _signer(settings.SECRET_KEY).unsign_object(
                ticket, max_age=conf.TICKET_SECONDS
            )
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
