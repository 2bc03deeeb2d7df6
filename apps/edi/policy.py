"""What a partner's policy lets pass.

Sixteen of 35 public EDIFACT files have a wrong count or reference: that can't be the same for all.
"""

from __future__ import annotations

from collections.abc import Iterable

from apps.edi.reader import Fault, Kind, Level

#: What a file can be used with all the same, whoever sent it.
WARNINGS = frozenset({Kind.SYNTAX_UNKNOWN, Kind.CHARACTERS, Kind.CHECK_DIGIT, Kind.LINE_COUNT})
#: What a tolerant partner's file may have too: the content is whole, its announcement is wrong.
TOLERABLE = WARNINGS | {
    Kind.COUNT,
    Kind.REFERENCE,
    Kind.REFERENCE_TWICE,
    Kind.BAD_DATE,
    Kind.BAD_TAG,
    Kind.MIXED,
    Kind.NO_GROUP,
}
#: And of an interchange only: the whole messages in it are whole all the same.
TOLERABLE_OUTSIDE = TOLERABLE | {
    Kind.TRAILER_MISSING,
    Kind.TRAILER_ALONE,
    Kind.OUTSIDE,
    Kind.CUT_IN_SEGMENT,
}


def refusals(faults: Iterable[Fault], *, tolerant: bool) -> list[Fault]:
    """Give the faults for which an interchange or a message is refused."""
    return [fault for fault in faults if not passes(fault.kind, fault.level, tolerant=tolerant)]


def passes(kind: str, level: str, *, tolerant: bool) -> bool:
    """Tell whether a fault is no more than a warning."""
    if not tolerant:
        return kind in WARNINGS
    inside = level in (Level.MESSAGE, Level.SEGMENT)
    return kind in (TOLERABLE if inside else TOLERABLE_OUTSIDE)
