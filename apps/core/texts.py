"""Messages are stored as msgid and parameters, and become text in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext


def storable(value: Any) -> Any:
    """Give a text, or the texts in a list or dict, as every database can keep it.

    Files bring NULs and broken characters, and PostgreSQL would refuse a whole row for one.
    """
    if isinstance(value, str):
        clean = value.replace("\0", "\ufffd")
        return clean if clean.isascii() else clean.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {storable(name): storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    return value


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
