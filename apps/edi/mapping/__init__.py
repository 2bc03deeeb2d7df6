"""Turns messages into drafts of documents. Pure: nothing is read or written but the message."""

from __future__ import annotations

from apps.edi.mapping import edifact, findings, x12
from apps.edi.mapping.drafts import Draft, Line, Party
from apps.edi.reader.events import Message

__all__ = ["KINDS_OF_FINDINGS", "Draft", "Line", "Party", "draft_of", "is_supported"]

#: What mappings find, apart from what the reader does.
KINDS_OF_FINDINGS = frozenset(map(str, findings.CODES))


def is_supported(standard: str, kind: str) -> bool:
    """Tell whether messages of this type become documents."""
    return kind in (x12.KINDS if standard == "x12" else edifact.KINDS)


def draft_of(message: Message) -> Draft | None:
    """Make a message's draft; None when its type is not supported."""
    if message.interchange.standard == "x12":
        kind = x12.KINDS.get(message.type)
        return x12.X12Mapper(message, kind).map() if kind else None
    kind = edifact.KINDS.get(message.type)
    return edifact.EdifactMapper(message, kind).map() if kind else None
