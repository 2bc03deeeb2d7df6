"""Tell what a file is by its first bytes."""

from __future__ import annotations

from apps.edi.reader.separators import BLANKS, BOM

#: So many bytes are enough to tell.
HEAD_BYTES = 512
_STARTS = {
    b"UNA": "edifact",
    b"UNB": "edifact",
    b"ISA": "x12",
    b"STX=": "tradacoms",
    b"%PDF": "pdf",
    b"<": "xml",
    b"PK\x03\x04": "zip",
}


def sniff(head: bytes) -> str:
    """Name the format: edifact, x12, tradacoms, pdf, xml, zip, empty or unknown."""
    start = head.lstrip(BLANKS).removeprefix(BOM).lstrip(BLANKS)
    if not start:
        return "empty" if len(head) < HEAD_BYTES else "unknown"
    for signature, name in _STARTS.items():
        if start.startswith(signature):
            return name
    return "unknown"
