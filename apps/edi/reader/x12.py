"""The envelopes of X12: ISA, GS, ST, SE, GE, IEA."""

from __future__ import annotations

from collections.abc import Iterator

from apps.edi.reader.envelope import Envelope
from apps.edi.reader.events import MOST_SEGMENTS, Begin, Event, Group, Message
from apps.edi.reader.faults import Kind, Level
from apps.edi.reader.numbers import announces, moment
from apps.edi.reader.segments import Segment


class X12Envelope(Envelope):
    """Checks X12; the codes name the element of an acknowledgement and its value."""

    standard = "x12"
    tags = frozenset({"ISA", "GS", "ST", "SE", "GE", "IEA", "TA1"})
    message_trailer = "SE"
    interchange_trailer = "IEA"
    codes = {
        (Kind.BAD_DATE, Level.INTERCHANGE): "TA1*014",
        (Kind.HEADER_MISSING, Level.INTERCHANGE): "TA1*018",
        (Kind.HEADER_MISSING, Level.FILE): "AK5*6",
        (Kind.TRAILER_MISSING, Level.INTERCHANGE): "TA1*023",
        (Kind.TRAILER_MISSING, Level.GROUP): "AK9*3",
        (Kind.TRAILER_MISSING, Level.MESSAGE): "AK5*2",
        (Kind.TRAILER_ALONE, Level.FILE): "TA1*022",
        (Kind.COUNT, Level.INTERCHANGE): "TA1*021",
        (Kind.COUNT, Level.GROUP): "AK9*5",
        (Kind.COUNT, Level.MESSAGE): "AK5*4",
        (Kind.REFERENCE, Level.INTERCHANGE): "TA1*001",
        (Kind.REFERENCE, Level.GROUP): "AK9*4",
        (Kind.REFERENCE, Level.MESSAGE): "AK5*3",
        (Kind.REFERENCE_TWICE, Level.FILE): "AK5*23",
        (Kind.NO_MESSAGE, Level.FILE): "TA1*021",
        (Kind.OUTSIDE, Level.FILE): "TA1*022",
        (Kind.NO_INTERCHANGE, Level.FILE): "TA1*022",
        (Kind.NO_GROUP, Level.FILE): "TA1*022",
        (Kind.BAD_TAG, Level.FILE): "AK3*1",
        (Kind.CHARACTERS, Level.FILE): "AK4*6",
        (Kind.MESSAGE_TOO_LONG, Level.FILE): "AK5*5",
    }

    def is_tag(self, tag: str) -> bool:
        """Two or three letters or digits in capitals."""
        return len(tag) in (2, 3) and tag.isascii() and tag.isalnum() and tag.isupper()

    def envelope(self, segment: Segment) -> Iterator[Event]:
        """Take in a header or trailer."""
        match segment.tag:
            case "ST":
                yield from self._st(segment)
            case "SE":
                yield from self.end_message(segment, segment.get(1), segment.get(2))
            case "GS":
                yield from self._gs(segment)
            case "GE":
                yield from self._ge(segment)
            case "ISA":
                yield from self._isa(segment)
            case "IEA":
                yield from self._iea(segment)
            case _:
                # An acknowledgement of somebody's interchange, between ISA and GS or after GE;
                # where it stands inside a message, it is a part of that.
                message = self.message
                if message is not None:
                    if len(message.segments) < MOST_SEGMENTS:
                        message.segments.append(segment)
                    message.end = segment.end

    def _isa(self, isa: Segment) -> Iterator[Event]:
        yield from self.abandon_message(isa)
        if self.interchange is not None and self.interchange.header is not None:
            self._end_group_without_trailer(isa)
            self.note(Kind.TRAILER_MISSING, Level.INTERCHANGE, isa, trailer="IEA")
        yield from self.end_interchange()
        begun = self.begin(isa)
        begun.sender_qualifier, begun.sender = isa.get(5).strip(), isa.get(6).strip()
        begun.recipient_qualifier, begun.recipient = isa.get(7).strip(), isa.get(8).strip()
        begun.prepared_at = moment(isa.get(9), isa.get(10))
        begun.syntax = isa.get(12).strip()
        begun.reference = isa.get(13).strip()
        begun.wants_acknowledgement = isa.get(14) == "1"
        begun.is_test = isa.get(15) == "T"
        if begun.prepared_at is None:
            found = f"{isa.get(9)} {isa.get(10)}"
            self.note(Kind.BAD_DATE, Level.INTERCHANGE, isa, found=found)
        if not begun.reference:
            self.note(Kind.HEADER_MISSING, Level.INTERCHANGE, isa, what="reference")
        yield Begin(begun)

    def _gs(self, gs: Segment) -> Iterator[Event]:
        yield from self.abandon_message(gs)
        yield from self.open_interchange()
        interchange = self.interchange
        if interchange is None:
            return
        self._end_group_without_trailer(gs)
        self._references.clear()
        self.group = Group(gs, kind=gs.get(1), reference=gs.get(6), version=gs.get(8))
        interchange.add(self.group)

    def _st(self, st: Segment) -> Iterator[Event]:
        yield from self.abandon_message(st)
        yield from self.open_interchange()
        interchange, group = self.interchange, self.group
        if interchange is None:
            return
        interchange.messages += 1
        if group is not None:
            group.messages += 1
        message = Message(
            interchange,
            group,
            st,
            kind=st.get(1),
            reference=st.get(2),
            version=group.version if group else "",
        )
        self.begin_message(message)
        if interchange.header is None:
            message.note(self.fault(Kind.NO_INTERCHANGE, Level.MESSAGE, st))
        elif group is None:
            message.note(self.fault(Kind.NO_GROUP, Level.MESSAGE, st))
        if not st.get(1):
            message.note(self.fault(Kind.HEADER_MISSING, Level.MESSAGE, st, what="type"))

    def _ge(self, ge: Segment) -> Iterator[Event]:
        yield from self.abandon_message(ge)
        yield from self.open_interchange()
        group, self.group = self.group, None
        if group is None:
            self.note(Kind.TRAILER_ALONE, Level.INTERCHANGE, ge, trailer="GE")
            return
        group.announced = ge.get(1)
        self._compare(Level.GROUP, ge, group.reference, group.messages)

    def _iea(self, iea: Segment) -> Iterator[Event]:
        yield from self.abandon_message(iea)
        interchange = self.interchange
        if interchange is None or interchange.header is None:
            yield from self.open_interchange()
            self.note(Kind.TRAILER_ALONE, Level.INTERCHANGE, iea, trailer="IEA")
            return
        self._end_group_without_trailer(iea)
        interchange.announced = iea.get(1)
        self._compare(Level.INTERCHANGE, iea, interchange.reference, interchange.found)
        yield from self.end_interchange()

    def _end_group_without_trailer(self, at: Segment) -> None:
        if self.group is not None:
            self.note(Kind.TRAILER_MISSING, Level.GROUP, at, trailer="GE")
            self.group = None

    def _compare(self, level: Level, trailer: Segment, reference: str, found: int) -> None:
        if trailer.get(2) != reference:
            self.note(Kind.REFERENCE, level, trailer, announced=reference, found=trailer.get(2))
        if not announces(trailer.get(1), found):
            self.note(Kind.COUNT, level, trailer, announced=trailer.get(1), found=found)
