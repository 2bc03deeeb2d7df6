"""Bytes in, segments out, whatever the sizes of the pieces in which the bytes come.

Bytes are split as Latin-1, in which each is one character: positions stay true, and only segments
that are not ASCII are decoded a second time, in the charset that the file declares.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from functools import lru_cache

from apps.edi.reader.charsets import CHARSETS, FALLBACK, decode
from apps.edi.reader.errors import Unreadable
from apps.edi.reader.faults import Fault, Kind, Level, shown
from apps.edi.reader.header import Header
from apps.edi.reader.segments import Segment
from apps.edi.reader.separators import (
    ISA_BYTES,
    UNA_BYTES,
    Separators,
    is_same_isa,
    is_same_una,
)

#: A segment longer than this (in bytes) is no segment.
LONGEST_SEGMENT = 1 << 20
BLANK = " \t\r\n"
#: What may stand behind the last segment: blanks, and what old systems pad with.
PADDING = BLANK + "\0\x1a"
#: Segments that declare separators.
DECLARATIONS = ("UNA", "ISA")


class _Redeclared(Exception):
    """Raised inside when another interchange brings its own separators."""


class Tokenizer:
    """Splits one file; `charset` overrides what the file says of itself.

    With `separators` it takes a part of a file, which begins at byte `offset` after `number`
    segments.
    """

    def __init__(
        self,
        charset: str | None = None,
        separators: Separators | None = None,
        *,
        offset: int = 0,
        number: int = 0,
    ) -> None:
        #: None until a header is read.
        self.separators = separators
        self._header = Header()
        self._follows_header = False
        self._overrides = charset is not None
        self._charset = charset or FALLBACK
        self._number = number
        #: Of the first byte that is in no segment given out yet.
        self._offset = offset
        #: The segment that is not whole yet: the pieces of it that end in a released terminator,
        #: their bytes, and what follows them.
        self._held: list[str] = []
        self._held_size = 0
        #: Blanks before it.
        self._lead = 0
        self._rest = ""
        self._suspect = False

    def segments(self, chunks: Iterable[bytes]) -> Iterator[Segment]:
        """Give the segments.

        Raises:
            Unreadable: where nothing more can be made of the bytes.
        """
        for chunk in chunks:
            yield from self._feed(chunk, last=False)
        yield from self._feed(b"", last=True)
        self._end()

    def _feed(self, data: bytes, *, last: bool) -> Iterator[Segment]:
        while True:
            if self.separators is None:
                found = self._header.read(data, self._offset, last=last)
                if found is None:
                    return
                self.separators, data, self._offset = found
                # The header has checked the ISA that is to come, and used up the UNA.
                self._follows_header = self.separators.standard == "x12"
            data = yield from self._split(data, self.separators)
            if self.separators is not None:
                return

    def _split(self, data: bytes, separators: Separators) -> Generator[Segment, None, bytes]:
        """Give the segments that are whole; return what follows, from a new declaration on."""
        text = data.decode(FALLBACK)
        controls = _controls(separators)
        suspect = controls.search(text) is not None or (
            self._suspect and bool(self._rest or self._held)
        )
        begin = self._offset + self._held_size
        joined = self._rest + text
        pieces = joined.split(separators.terminator)
        self._rest, self._suspect = pieces.pop(), suspect
        noise, release, mark = separators.noise(), separators.release, separators.data
        held, lead = self._held, self._lead
        offset = self._offset
        for piece in pieces:
            size = len(piece) + 1
            body = piece
            if not held:
                lead = 0
                if body[:1] <= " ":
                    body = body.lstrip(BLANK)
                    lead = size - 1 - len(body)
            if "\n" in body or "\r" in body:
                for each in noise:
                    body = body.replace(each, "")
            head = body[:3]
            if held or size > LONGEST_SEGMENT or head in DECLARATIONS or body[-1:] in (release, ""):
                try:
                    whole, size = self._look_closely(body, size, separators)
                except _Redeclared:
                    return joined[offset - begin :].encode(FALLBACK)
                if whole is None:
                    offset = self._offset = offset + size
                    continue
                body, head = whole, whole[:3]
            self._number += 1
            tag = head if body[3:4] == mark and mark not in head else body.split(mark, 1)[0]
            unclean = suspect and controls.search(body) is not None
            if tag == "UNB":
                self._choose_charset(body, separators)
            if not body.isascii():
                body, known = self._decode(body, separators)
                unclean = unclean or not known
            end = offset + size
            yield Segment(tag, body, self._number, offset + lead, end, separators, unclean)
            offset = self._offset = end
        self._lead = lead
        if not held and self._declares_anew(separators):
            self.separators, self._rest, self._suspect = None, "", False
            return joined[offset - begin :].encode(FALLBACK)
        self._check_size(self._held_size + len(self._rest))
        return b""

    def _look_closely(self, body: str, size: int, separators: Separators) -> tuple[str | None, int]:
        """Give a whole segment and its size, or None and the bytes to leave out.

        Raises:
            _Redeclared: it declares separators other than those in force.
        """
        held, release = self._held, separators.release
        follows_header, self._follows_header = self._follows_header, False
        if not held and body[:3] in DECLARATIONS and not follows_header:
            if body[:3] == "UNA" and separators.standard == "edifact":
                if is_same_una(body, separators):
                    return None, size
                self._redeclare()
            if body[:3] == "ISA" and separators.standard == "x12":
                if not is_same_isa(body, separators):
                    self._redeclare()
                return body, size
        if release and (len(body) - len(body.rstrip(release))) & 1:
            held.append(body)
            self._held_size += size
            self._check_size(self._held_size)
            return None, 0
        if held:
            body = separators.terminator.join([*held, body])
            size += self._held_size
            held.clear()
            self._held_size = 0
        self._check_size(size)
        return body or None, size

    def _declares_anew(self, separators: Separators) -> bool:
        """Tell whether what is not ended yet is a declaration, with another terminator."""
        begun = self._rest.lstrip(BLANK)
        if self._follows_header or not begun.startswith(DECLARATIONS):
            return False
        if separators.standard == "edifact":
            return begun.startswith("UNA") and len(begun) >= UNA_BYTES
        for each in separators.noise():
            begun = begun.replace(each, "")
        return begun.startswith("ISA") and len(begun) >= ISA_BYTES

    def _redeclare(self) -> None:
        self.separators, self._rest, self._suspect = None, "", False
        raise _Redeclared

    def _choose_charset(self, unb: str, separators: Separators) -> None:
        if not self._overrides:
            level = unb.split(separators.data, 2)[1:2]
            name = level[0].split(separators.component, 1)[0] if level else ""
            self._charset = CHARSETS.get(name, FALLBACK)

    def _decode(self, body: str, separators: Separators) -> tuple[str, bool]:
        raw = body.encode(FALLBACK)
        if separators.standard == "edifact" or self._overrides:
            return decode(raw, self._charset)
        # X12 leaves the characters to the partners: what is no UTF-8 is Latin-1.
        return decode(raw, "utf-8")[0], True

    def _check_size(self, size: int) -> None:
        if size > LONGEST_SEGMENT:
            raise self._lost(Kind.SEGMENT_TOO_LONG, edifact="18", x12="TA1*022")

    def _end(self) -> None:
        """Make sure that nothing is left over."""
        if self._held or self._rest.strip(PADDING):
            raise self._lost(Kind.CUT_IN_SEGMENT, edifact="13", x12="TA1*023")

    def _lost(self, kind: Kind, *, edifact: str, x12: str) -> Unreadable:
        separators = self.separators
        is_x12 = separators is not None and separators.standard == "x12"
        begun = (self._held[0] if self._held else self._rest).lstrip(BLANK)
        return Unreadable(
            Fault(
                kind=kind,
                level=Level.FILE,
                code=x12 if is_x12 else edifact,
                segment=self._number + 1,
                offset=self._offset,
                tag=begun[:3] if begun[:3].isalnum() else "",
                params={"found": shown(begun)},
            )
        )


@lru_cache(maxsize=16)
def _controls(separators: Separators) -> re.Pattern[str]:
    """Match control characters that neither separate nor lay out."""
    used = separators.component + separators.data + separators.terminator + "\t\r\n"
    wrong = "".join(chr(n) for n in (*range(0x20), 0x7F) if chr(n) not in used)
    return re.compile(f"[{re.escape(wrong)}]")
