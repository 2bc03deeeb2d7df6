"""What can go wrong with a file as a whole; everything smaller is a fault (see faults.py)."""

from __future__ import annotations

from apps.edi.reader.faults import Fault


class ReaderError(Exception):
    """Base of the reader's errors: it raises no others, whatever the bytes."""


class Unreadable(ReaderError):
    """Raised when nothing can be read from here on; what came before has been given out."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"{fault.code} {fault.kind} at byte {fault.offset}: {fault.params}")
