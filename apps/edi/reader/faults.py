"""Faults: what is wrong with an interchange, a message or a segment, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: Faults kept of one message or interchange; the rest is counted.
MOST_FAULTS = 50
#: Characters kept of a value that is shown to people.
LONGEST_FOUND = 80


class Level(StrEnum):
    """How much of the file a fault is about."""

    FILE = "file"
    INTERCHANGE = "interchange"
    GROUP = "group"
    MESSAGE = "message"
    SEGMENT = "segment"


class Kind(StrEnum):
    """What is wrong; people read the sentences of `apps/edi/words.py`."""

    EMPTY = "empty"
    NOT_EDI = "not-edi"
    UNA_CUT = "una-cut"
    UNA_TWICE = "una-twice"
    ISA_LAYOUT = "isa-layout"
    SEGMENT_TOO_LONG = "segment-too-long"
    CUT_IN_SEGMENT = "cut-in-segment"
    SYNTAX_UNKNOWN = "syntax-unknown"
    HEADER_MISSING = "header-missing"
    BAD_DATE = "bad-date"
    TRAILER_MISSING = "trailer-missing"
    TRAILER_ALONE = "trailer-alone"
    COUNT = "count"
    REFERENCE = "reference"
    REFERENCE_TWICE = "reference-twice"
    MIXED = "mixed"
    NO_MESSAGE = "no-message"
    OUTSIDE = "outside"
    NO_INTERCHANGE = "no-interchange"
    NO_GROUP = "no-group"
    BAD_TAG = "bad-tag"
    CHARACTERS = "characters"
    MESSAGE_TOO_LONG = "message-too-long"
    # What a mapping finds in a message's content.
    VALUE_MISSING = "value-missing"
    BAD_NUMBER = "bad-number"
    TOO_PRECISE = "too-precise"
    BAD_DAY = "bad-day"
    NO_LINES = "no-lines"
    LINE_COUNT = "line-count"
    TOTALS = "totals"
    CHECK_DIGIT = "check-digit"
    # Of XML and PDF files.
    NO_INVOICE = "no-invoice"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault with its standard code (EDIFACT 0085; X12 TA1, AK9, AK5, AK3, AK4)."""

    kind: Kind
    level: Level
    code: str
    #: The segment's number in the file, from 1; 0 when there is none.
    segment: int
    #: The byte in the file.
    offset: int
    tag: str = ""
    #: Counted from 1 as the standards do; 0 when the fault is the segment's.
    element: int = 0
    component: int = 0
    params: dict[str, Any] = field(default_factory=dict)


class Faulty:
    """Something that faults are noted on, not more of them than can be looked at."""

    __slots__ = ("fault_count", "faults")

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.fault_count = 0

    def note(self, fault: Fault) -> None:
        """Keep a fault, or only count it."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


def shown(value: str) -> str:
    """Shorten a value from a file for people."""
    return value if len(value) <= LONGEST_FOUND else value[: LONGEST_FOUND - 1] + "…"
