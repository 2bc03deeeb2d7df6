"""How states look: word, icon and colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.core.statuses import TERMINAL
from apps.edi.models import (
    EdiFile,
    EdiMessage,
    FileStatus,
    Interchange,
    InterchangeStatus,
    MessageStatus,
)

#: State → icon and tone; a state without is grey with a file.
_LOOKS = {
    "received": ("clock", ""),
    "scanned": ("ring", "run"),
    "pending": ("clock", ""),
    "accepted": ("ring", "run"),
    "imported": ("check", "ok"),
    "partial": ("alert", "warn"),
    "rejected": ("cross", "err"),
    "quarantined": ("question", "warn"),
    "unsupported": ("skip", ""),
    "duplicate": ("skip", ""),
    "discarded": ("barred", ""),
}


@dataclass(frozen=True, kw_only=True)
class Pill:
    """A state as a small badge; `tone` is one of the style sheet's, empty is grey."""

    label: Any
    icon: str
    tone: str = ""


def pill_of(status: FileStatus | InterchangeStatus | MessageStatus) -> Pill:
    """Show a state."""
    icon, tone = _LOOKS[status.value]
    return Pill(label=status.label, icon=icon, tone=tone)


def of_file(file: EdiFile) -> Pill:
    """Show a file's state; one whose job has ended before the end is partly imported."""
    status = FileStatus(file.status)
    if status in (FileStatus.SCANNED, FileStatus.RECEIVED) and _has_ended(file):
        status = FileStatus.PARTIAL if status == FileStatus.SCANNED else FileStatus.REJECTED
        return Pill(label=status.label, icon="barred")
    return pill_of(status)


def of_interchange(interchange: Interchange) -> Pill:
    """Show an interchange's state."""
    return pill_of(InterchangeStatus(interchange.status))


def of_message(message: EdiMessage) -> Pill:
    """Show a message's state."""
    return pill_of(MessageStatus(message.status))


def _has_ended(file: EdiFile) -> bool:
    return file.job is None or file.job.status in TERMINAL
