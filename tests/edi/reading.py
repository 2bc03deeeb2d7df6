"""A file's reading in a line: what the expectation tables compare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.edi.reader import End, Message, Unreadable, read


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How many messages, how many of them with faults, all codes, and where reading had to stop."""

    messages: int = 0
    faulty: int = 0
    codes: str = ""
    fatal: str = ""


def reading_of(chunks: Iterable[bytes]) -> Reading:
    """Read a file to its end."""
    messages = faulty = 0
    codes: set[str] = set()
    fatal = ""
    try:
        for event in read(chunks):
            if isinstance(event, Message):
                messages += 1
                faulty += bool(event.faults)
                codes |= {fault.code for fault in event.faults}
            elif isinstance(event, End):
                codes |= {fault.code for fault in event.interchange.faults}
    except Unreadable as lost:
        fatal = f"{lost.fault.code} @{lost.fault.offset}"
    return Reading(messages=messages, faulty=faulty, codes=" ".join(sorted(codes)), fatal=fatal)


def expected(line: str) -> Reading:
    """Read a line of a table: "3 messages, 1 faulty, codes 28 29, fatal 13 @60"."""
    messages, faulty, *rest = line.split(", ")
    named = dict(part.split(" ", 1) for part in rest)
    return Reading(
        messages=int(messages.split()[0]),
        faulty=int(faulty.split()[0]),
        codes=named.get("codes", ""),
        fatal=named.get("fatal", ""),
    )
