"""What EDIFACT and X12 have in common: messages in groups in interchanges, each announced."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from apps.edi.reader.errors import Unreadable
from apps.edi.reader.events import MOST_SEGMENTS, Begin, End, Event, Group, Interchange, Message
from apps.edi.reader.faults import Fault, Kind, Level, shown
from apps.edi.reader.numbers import announces
from apps.edi.reader.segments import Segment
from apps.edi.reader.separators import Standard

#: References remembered, to find one that comes twice.
MOST_REFERENCES = 200_000


class Envelope(ABC):
    """Follows the segments of a file and checks what its envelopes announce."""

    standard: Standard
    #: The tags of headers and trailers.
    tags: frozenset[str]
    #: Kind of fault → the standard's code.
    codes: dict[tuple[Kind, Level], str]
    #: What closes a message, for words.
    message_trailer: str
    interchange_trailer: str

    def __init__(self) -> None:
        self.interchange: Interchange | None = None
        self.group: Group | None = None
        self.message: Message | None = None
        self._position = 0
        self._references: set[str] = set()
        self._good_tags: set[str] = set()
        #: The last segment read: where a file that ends too early does so.
        self._last: Segment | None = None

    def events(self, segments: Iterable[Segment]) -> Iterator[Event]:
        """Give the events of a file.

        Raises:
            Unreadable: where the file can't be read on; what was open is given out before.
        """
        good, tags = self._good_tags, self.tags
        segment = None
        try:
            for segment in segments:
                tag = segment.tag
                message = self.message
                if tag in tags:
                    self._last = segment
                    yield from self.envelope(segment)
                elif message is None:
                    yield from self._outside(segment)
                else:
                    kept = message.segments
                    if len(kept) < MOST_SEGMENTS:
                        kept.append(segment)
                    message.end = segment.end
                    if segment.unclean:
                        message.note(self.fault(Kind.CHARACTERS, Level.SEGMENT, segment))
                    if tag not in good:
                        self._check_tag(message, segment)
        except Unreadable as lost:
            self._last = segment or self._last
            yield from self._close(lost.fault)
            raise
        self._last = segment or self._last
        yield from self._close(None)

    @abstractmethod
    def envelope(self, segment: Segment) -> Iterator[Event]:
        """Take in a header or trailer."""

    @abstractmethod
    def is_tag(self, tag: str) -> bool:
        """Tell whether it can be a segment's tag."""

    # -- what the two have in common

    def fault(self, kind: Kind, level: Level, segment: Segment | None, **params: Any) -> Fault:
        """Make a fault at a segment; values from the file are shortened."""
        cut = {name: shown(v) if isinstance(v, str) else v for name, v in params.items()}
        return Fault(
            kind=kind,
            level=level,
            code=self.codes.get((kind, level)) or self.codes[kind, Level.FILE],
            segment=segment.number if segment else 0,
            offset=segment.offset if segment else 0,
            tag=shown(segment.tag) if segment else "",
            params=cut,
        )

    def begin(self, header: Segment | None) -> Interchange:
        """Begin an interchange."""
        self._position += 1
        self.group = None
        self._references.clear()
        self.interchange = Interchange(self.standard, self._position, header)
        return self.interchange

    def open_interchange(self) -> Iterator[Event]:
        """Make sure that there is one for what comes, even if no header began it."""
        if self.interchange is None:
            yield Begin(self.begin(None))

    def begin_message(self, message: Message) -> None:
        """Begin a message, whose reference must be a new one."""
        self.message = message
        if message.reference in self._references:
            message.note(
                self.fault(
                    Kind.REFERENCE_TWICE, Level.MESSAGE, message.header, found=message.reference
                )
            )
        elif len(self._references) < MOST_REFERENCES:
            self._references.add(message.reference)

    def end_message(self, trailer: Segment, count: str, reference: str) -> Iterator[Event]:
        """End the open message by its trailer."""
        message = self.message
        if message is None:
            yield from self.open_interchange()
            self.note(Kind.TRAILER_ALONE, Level.INTERCHANGE, trailer, trailer=trailer.tag)
            return
        message.segments.append(trailer)
        message.end = trailer.end
        message.announced = count
        found = message.place_of(trailer.number)
        if reference != message.reference:
            message.note(
                self.fault(
                    Kind.REFERENCE,
                    Level.MESSAGE,
                    trailer,
                    announced=message.reference,
                    found=reference,
                )
            )
        if not announces(count, found):
            message.note(
                self.fault(Kind.COUNT, Level.MESSAGE, trailer, announced=count, found=found)
            )
        if found > MOST_SEGMENTS:
            message.note(
                self.fault(Kind.MESSAGE_TOO_LONG, Level.MESSAGE, trailer, most=MOST_SEGMENTS)
            )
        self.message = None
        yield message

    def abandon_message(self, at: Segment | None, cause: Fault | None = None) -> Iterator[Event]:
        """Give out a message that something else than its trailer ended."""
        message, self.message = self.message, None
        if message is not None:
            if cause is not None:
                message.note(cause)
            message.note(
                self.fault(Kind.TRAILER_MISSING, Level.MESSAGE, at, trailer=self.message_trailer)
            )
            yield message

    def note(self, kind: Kind, level: Level, segment: Segment | None, **params: Any) -> None:
        """Note a fault on the open interchange."""
        if self.interchange is not None:
            self.interchange.note(self.fault(kind, level, segment, **params))

    def end_interchange(self) -> Iterator[Event]:
        """End the open interchange, whatever ended it."""
        ended, self.interchange = self.interchange, None
        self.group = None
        if ended is not None:
            yield End(ended)

    def _outside(self, segment: Segment) -> Iterator[Event]:
        yield from self.open_interchange()
        self._last = segment
        self.note(Kind.OUTSIDE, Level.INTERCHANGE, segment, found=segment.tag)

    def _check_tag(self, message: Message, segment: Segment) -> None:
        if self.is_tag(segment.tag):
            self._good_tags.add(segment.tag)
        else:
            message.note(self.fault(Kind.BAD_TAG, Level.SEGMENT, segment, found=segment.tag))

    def _close(self, cause: Fault | None) -> Iterator[Event]:
        """End what the end of the file leaves open."""
        yield from self.abandon_message(self._last, cause)
        interchange = self.interchange
        if interchange is not None and interchange.header is not None:
            if cause is not None:
                interchange.note(cause)
            self.note(
                Kind.TRAILER_MISSING,
                Level.INTERCHANGE,
                self._last,
                trailer=self.interchange_trailer,
            )
        yield from self.end_interchange()
