"""The envelopes of EDIFACT (ISO 9735): UNB, UNG, UNH, UNT, UNE, UNZ."""

from __future__ import annotations

from collections.abc import Iterator

from apps.edi.reader.charsets import CHARSETS
from apps.edi.reader.envelope import Envelope
from apps.edi.reader.events import Begin, Event, Group, Message
from apps.edi.reader.faults import Kind, Level
from apps.edi.reader.numbers import announces, moment
from apps.edi.reader.segments import Segment


class EdifactEnvelope(Envelope):
    """Checks EDIFACT; the codes are those of data element 0085."""

    standard = "edifact"
    tags = frozenset({"UNB", "UNG", "UNH", "UNT", "UNE", "UNZ"})
    message_trailer = "UNT"
    interchange_trailer = "UNZ"
    codes = {
        (Kind.SYNTAX_UNKNOWN, Level.FILE): "12",
        (Kind.HEADER_MISSING, Level.FILE): "13",
        (Kind.BAD_DATE, Level.FILE): "12",
        (Kind.TRAILER_MISSING, Level.FILE): "13",
        (Kind.TRAILER_ALONE, Level.FILE): "15",
        (Kind.COUNT, Level.FILE): "29",
        (Kind.REFERENCE, Level.FILE): "28",
        (Kind.REFERENCE_TWICE, Level.FILE): "26",
        (Kind.MIXED, Level.FILE): "30",
        (Kind.NO_MESSAGE, Level.FILE): "32",
        (Kind.OUTSIDE, Level.FILE): "33",
        (Kind.NO_INTERCHANGE, Level.FILE): "33",
        (Kind.BAD_TAG, Level.FILE): "12",
        (Kind.CHARACTERS, Level.FILE): "21",
        (Kind.MESSAGE_TOO_LONG, Level.FILE): "18",
    }

    def is_tag(self, tag: str) -> bool:
        """Three letters or digits in capitals."""
        return len(tag) == 3 and tag.isascii() and tag.isalnum() and tag.isupper()

    def envelope(self, segment: Segment) -> Iterator[Event]:
        """Take in a header or trailer."""
        match segment.tag:
            case "UNH":
                yield from self._unh(segment)
            case "UNT":
                yield from self.end_message(segment, segment.get(1), segment.get(2))
            case "UNB":
                yield from self._unb(segment)
            case "UNZ":
                yield from self._unz(segment)
            case "UNG":
                yield from self._ung(segment)
            case _:
                yield from self._une(segment)

    def _unb(self, unb: Segment) -> Iterator[Event]:
        yield from self.abandon_message(unb)
        if self.interchange is not None and self.interchange.header is not None:
            self.note(Kind.TRAILER_MISSING, Level.INTERCHANGE, unb, trailer="UNZ")
        yield from self.end_interchange()
        begun = self.begin(unb)
        begun.syntax = ":".join(unb.elements[1][:2]) if len(unb.elements) > 1 else ""
        begun.sender, begun.sender_qualifier = unb.get(2), unb.get(2, 1)
        begun.recipient, begun.recipient_qualifier = unb.get(3), unb.get(3, 1)
        begun.prepared_at = moment(unb.get(4), unb.get(4, 1))
        begun.reference = unb.get(5)
        begun.wants_acknowledgement = unb.get(9) == "1"
        begun.is_test = unb.get(11) == "1"
        if unb.get(1)[:4] not in CHARSETS:
            self.note(Kind.SYNTAX_UNKNOWN, Level.INTERCHANGE, unb, found=unb.get(1))
        if unb.unclean:
            self.note(Kind.CHARACTERS, Level.INTERCHANGE, unb)
        for element, what in ((2, "sender"), (3, "recipient"), (5, "reference")):
            if not unb.get(element):
                self.note(Kind.HEADER_MISSING, Level.INTERCHANGE, unb, what=what)
        if not unb.get(4):
            self.note(Kind.HEADER_MISSING, Level.INTERCHANGE, unb, what="date")
        elif begun.prepared_at is None:
            found = ":".join(unb.elements[4])
            self.note(Kind.BAD_DATE, Level.INTERCHANGE, unb, found=found)
        yield Begin(begun)

    def _ung(self, ung: Segment) -> Iterator[Event]:
        yield from self.abandon_message(ung)
        yield from self.open_interchange()
        interchange = self.interchange
        if interchange is None:
            return
        self._end_group_without_trailer(ung)
        if interchange.messages and not interchange.group_count:
            self.note(Kind.MIXED, Level.INTERCHANGE, ung)
        version = f"{ung.get(7)}.{ung.get(7, 1)}" if ung.get(7) else ""
        self.group = Group(ung, kind=ung.get(1), reference=ung.get(5), version=version)
        interchange.add(self.group)

    def _une(self, une: Segment) -> Iterator[Event]:
        yield from self.abandon_message(une)
        yield from self.open_interchange()
        group, self.group = self.group, None
        if group is None:
            self.note(Kind.TRAILER_ALONE, Level.INTERCHANGE, une, trailer="UNE")
            return
        group.announced = une.get(1)
        self._compare(Level.GROUP, une, group.reference, group.messages)

    def _unh(self, unh: Segment) -> Iterator[Event]:
        yield from self.abandon_message(unh)
        yield from self.open_interchange()
        interchange = self.interchange
        if interchange is None:
            return
        interchange.messages += 1
        if self.group is not None:
            self.group.messages += 1
        elif interchange.group_count:
            self.note(Kind.MIXED, Level.INTERCHANGE, unh)
        message = Message(
            interchange,
            self.group,
            unh,
            kind=unh.get(2),
            reference=unh.get(1),
            version=f"{unh.get(2, 1)}.{unh.get(2, 2)}" if unh.get(2, 1) else "",
        )
        self.begin_message(message)
        if interchange.header is None:
            message.note(self.fault(Kind.NO_INTERCHANGE, Level.MESSAGE, unh))
        if not unh.get(2):
            message.note(self.fault(Kind.HEADER_MISSING, Level.MESSAGE, unh, what="type"))
        if unh.unclean:
            message.note(self.fault(Kind.CHARACTERS, Level.SEGMENT, unh))

    def _unz(self, unz: Segment) -> Iterator[Event]:
        yield from self.abandon_message(unz)
        interchange = self.interchange
        if interchange is None or interchange.header is None:
            yield from self.open_interchange()
            self.note(Kind.TRAILER_ALONE, Level.INTERCHANGE, unz, trailer="UNZ")
            return
        self._end_group_without_trailer(unz)
        interchange.announced = unz.get(1)
        self._compare(Level.INTERCHANGE, unz, interchange.reference, interchange.found)
        if not interchange.messages:
            self.note(Kind.NO_MESSAGE, Level.INTERCHANGE, unz)
        yield from self.end_interchange()

    def _end_group_without_trailer(self, at: Segment) -> None:
        if self.group is not None:
            self.note(Kind.TRAILER_MISSING, Level.GROUP, at, trailer="UNE")
            self.group = None

    def _compare(self, level: Level, trailer: Segment, reference: str, found: int) -> None:
        if trailer.get(2) != reference:
            self.note(Kind.REFERENCE, level, trailer, announced=reference, found=trailer.get(2))
        if not announces(trailer.get(1), found):
            self.note(Kind.COUNT, level, trailer, announced=trailer.get(1), found=found)
