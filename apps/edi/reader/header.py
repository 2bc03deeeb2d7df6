"""Find where an interchange begins, and the separators that its first bytes declare."""

from __future__ import annotations

from apps.edi.reader.charsets import FALLBACK
from apps.edi.reader.errors import Unreadable
from apps.edi.reader.faults import LONGEST_FOUND, Fault, Kind, Level, shown
from apps.edi.reader.separators import (
    BLANKS,
    BOM,
    EDIFACT_CONTROLS,
    EDIFACT_DEFAULT,
    ISA_BYTES,
    NEWLINES,
    UNA_BYTES,
    Separators,
    from_isa,
    from_una,
)

#: An ISA with line ends in it ends within so many bytes.
LONGEST_HEADER = 4 * ISA_BYTES
#: Bytes that tell the separators, by the first three.
_NEEDED = {b"UNA": UNA_BYTES, b"UNB": UNA_BYTES, b"ISA": ISA_BYTES}


class Header:
    """Collects bytes until they tell the separators."""

    def __init__(self) -> None:
        self._head = b""
        #: Blanks left out before it.
        self._skipped = 0

    def read(self, data: bytes, offset: int, *, last: bool) -> tuple[Separators, bytes, int] | None:
        """Give the separators, the bytes from the first segment on, and their offset.

        None until enough bytes have come; `offset` is that of the first byte not used up.

        Raises:
            Unreadable: this is no interchange, or its declaration can't be right.
        """
        self._head += data
        start = _from_first_letter(self._head)
        if not start and not last:
            # The mark is remembered: a second one is none, wherever the pieces end.
            mark = BOM if BOM in self._head else b""
            self._skipped += len(self._head) - len(mark)
            self._head = mark
            return None
        ripe = len(start) >= _NEEDED.get(start[:3], LONGEST_FOUND + 1) and (
            not start.startswith(b"ISA") or len(start.translate(None, NEWLINES)) >= ISA_BYTES
        )
        if not ripe and not last and len(start) <= LONGEST_HEADER:
            return None
        offset += self._skipped + len(self._head) - len(start)
        self._head, self._skipped = b"", 0
        if start.startswith(b"UNA"):
            una = start[:UNA_BYTES].decode(FALLBACK)
            if len(una) < UNA_BYTES:
                raise _refused(Kind.UNA_CUT, una, offset)
            return from_una(una, offset), start[UNA_BYTES:], offset + UNA_BYTES
        if start.startswith(b"UNB"):
            controls = start[3:4] == EDIFACT_CONTROLS.data.encode()
            return EDIFACT_CONTROLS if controls else EDIFACT_DEFAULT, start, offset
        if start.startswith(b"ISA"):
            return _isa(start, offset), start, offset
        kind = Kind.NOT_EDI if start else Kind.EMPTY
        raise _refused(kind, start[: LONGEST_FOUND + 1].decode(FALLBACK), offset)


def _from_first_letter(head: bytes) -> bytes:
    return head.lstrip(BLANKS).removeprefix(BOM).lstrip(BLANKS)


def _isa(start: bytes, offset: int) -> Separators:
    """Read the ISA as it stands or, if line ends were put into it, without them."""
    head = start[:LONGEST_HEADER]
    try:
        return from_isa(head[:ISA_BYTES].decode(FALLBACK), offset)
    except Unreadable:
        return from_isa(head.translate(None, NEWLINES)[:ISA_BYTES].decode(FALLBACK), offset)


def _refused(kind: Kind, found: str, offset: int) -> Unreadable:
    return Unreadable(
        Fault(
            kind=kind,
            level=Level.FILE,
            code="13",
            segment=0,
            offset=offset,
            params={"found": shown(found)},
        )
    )
