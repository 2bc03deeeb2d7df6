"""The bytes that a fault is about, as people can read them."""

from __future__ import annotations

from collections.abc import Iterable

from apps.edi.models import EdiFault, EdiFile, Interchange
from apps.edi.reader.charsets import FALLBACK, decode

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
                found[fault.pk] = _shown(content.read(LONGEST + 1), fault.interchange)
    except OSError:
        return found
    return found


def _shown(raw: bytes, interchange: Interchange | None) -> str:
    marks = interchange.marks if interchange else []
    terminator = marks[3] if len(marks) == 4 else "'"
    text, _known = decode(raw, (interchange.charset if interchange else "") or FALLBACK)
    segment, ended, _rest = text.partition(terminator)
    plain = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in segment)
    return plain + (ended if ended.isprintable() else "") if ended else f"{plain}…"
