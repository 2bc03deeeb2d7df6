"""The bytes that a fault is about, as people can read them."""

from __future__ import annotations

from collections.abc import Iterable

from apps.edi.models import EdiFault, EdiFile

#: Bytes of a segment that are shown.
LONGEST = 160


def excerpts(file: EdiFile, faults: Iterable[EdiFault]) -> dict[int, str]:
    """Give for each fault (by key) the segment it is about, as it stands in the file.

    A fault without a segment, or whose file is gone, has none.
    """
    found: dict[int, str] = {}
    try:
        with file.open() as content:
            for fault in faults:
                if not fault.segment:
                    continue
                content.seek(fault.offset)
                found[fault.pk] = _shown(content.read(LONGEST + 1), _terminator(fault))
    except OSError:
        return found
    return found


def _terminator(fault: EdiFault) -> str:
    marks = fault.interchange.marks if fault.interchange else []
    return marks[3] if len(marks) == 4 else "'"


def _shown(raw: bytes, terminator: str) -> str:
    text = raw.decode("utf-8", "replace") if not raw.isascii() else raw.decode("ascii")
    segment, ended, _rest = text.partition(terminator)
    plain = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in segment)
    return plain + (ended if ended.isprintable() else "") if ended else f"{plain}…"
