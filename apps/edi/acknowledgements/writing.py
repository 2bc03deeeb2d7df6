"""Write segments, with what separates taken out of the texts or released."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from apps.core.texts import storable

#: An element: a text, or its components.
Element = str | Sequence[str]


def edifact(tag: str, *elements: Element) -> str:
    """Write an EDIFACT segment with the usual service characters."""
    written = [_components(each, ":", _released) for each in elements]
    while written and not written[-1]:
        written.pop()
    return "+".join([tag, *written]) + "'"


def x12(tag: str, *elements: Element) -> str:
    """Write an X12 segment, separated by * and > and ended by ~."""
    written = [_components(each, ">", _blanked) for each in elements]
    while written and not written[-1]:
        written.pop()
    return "*".join([tag, *written]) + "~\n"


def _components(element: Element, mark: str, protect: Callable[[str], str]) -> str:
    parts = [element] if isinstance(element, str) else list(element)
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return mark.join(protect(part) for part in parts)


def _released(text: str) -> str:
    return "".join(f"?{each}" if each in "?+:'" else each for each in _plain(text))


def _blanked(text: str) -> str:
    return "".join(" " if each in "*>~" else each for each in _plain(text))


def _plain(text: str) -> str:
    """Keep what Latin-1 can write on one line."""
    clean: str = storable(text)
    shown = "".join(each if each.isprintable() else " " for each in clean)
    return shown.encode("iso8859-1", "replace").decode("iso8859-1")
