"""Messages are stored as msgid and parameters, and become text in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext


def render(msgid: str, params: Mapping[str, Any] | None = None) -> str:
    """Translate `msgid` into the active language and put `params` in.

    Text that is no msgid (an author's own words) comes back as it is. Parameters that do not fit
    leave the placeholders standing: a wrong message must not take a page down.
    """
    if not msgid:  # gettext("") answers with the catalogue's header
        return ""
    text = gettext(msgid)
    if not params:
        return text
    try:
        return text % params
    except (KeyError, TypeError, ValueError):
        return text
