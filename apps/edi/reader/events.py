"""What the reader gives out, in the order of the file: Begin, then messages, then End."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.edi.reader.faults import Faulty
from apps.edi.reader.segments import Segment
from apps.edi.reader.separators import Standard

#: A message of more segments than this is counted, but not kept.
MOST_SEGMENTS = 100_000
#: Groups of an interchange that are kept; the rest is counted.
MOST_GROUPS = 1_000


class Interchange(Faulty):
    """An envelope: from UNB to UNZ, or from ISA to IEA.

    One without a header holds what stands outside any envelope.
    """

    def __init__(self, standard: Standard, position: int, header: Segment | None) -> None:
        super().__init__()
        self.standard = standard
        #: Counted in the file, from 1.
        self.position = position
        self.header = header
        self.sender = ""
        self.sender_qualifier = ""
        self.recipient = ""
        self.recipient_qualifier = ""
        self.reference = ""
        #: As the partner's clock said; None when it is no date.
        self.prepared_at: datetime | None = None
        self.is_test = False
        self.wants_acknowledgement = False
        #: UNOC:3, or 00401.
        self.syntax = ""
        #: Messages found so far, and what the trailer announces (None without one).
        self.messages = 0
        self.groups: list[Group] = []
        self.group_count = 0
        self.announced: str | None = None

    def add(self, group: Group) -> None:
        """Count a group, and keep it."""
        self.group_count += 1
        group.position = self.group_count
        if len(self.groups) < MOST_GROUPS:
            self.groups.append(group)

    @property
    def found(self) -> int:
        """What the trailer has to announce: groups where there are any, else messages."""
        if self.standard == "x12":
            return self.group_count
        return self.group_count or self.messages


class Group(Faulty):
    """A functional group: from UNG to UNE, or from GS to GE."""

    def __init__(self, header: Segment, *, kind: str, reference: str, version: str) -> None:
        super().__init__()
        self.header = header
        self.kind = kind
        self.reference = reference
        self.version = version
        #: Counted in the interchange, from 1.
        self.position = 0
        self.messages = 0
        self.announced: str | None = None


class Message(Faulty):
    """A message: from UNH to UNT, or a transaction set from ST to SE."""

    __slots__ = (
        "announced",
        "end",
        "group",
        "header",
        "interchange",
        "position",
        "reference",
        "segments",
        "type",
        "version",
    )

    def __init__(
        self,
        interchange: Interchange,
        group: Group | None,
        header: Segment,
        *,
        kind: str,
        reference: str,
        version: str,
    ) -> None:
        super().__init__()
        self.interchange = interchange
        self.group = group
        self.header = header
        self.type = kind
        self.reference = reference
        self.version = version
        #: Counted in the interchange, from 1.
        self.position = interchange.messages
        self.segments = [header]
        self.end = header.end
        self.announced: str | None = None

    @property
    def offset(self) -> int:
        """The byte at which the header begins; the message ends before byte `end`."""
        return self.header.offset

    def place_of(self, segment: int) -> int:
        """Turn a segment's number in the file into its number in the message, from 1."""
        return segment - self.header.number + 1


@dataclass(frozen=True, slots=True)
class Begin:
    """An interchange begins; its header is read."""

    interchange: Interchange


@dataclass(frozen=True, slots=True)
class End:
    """An interchange has ended; its faults are complete."""

    interchange: Interchange


Event = Begin | Message | End
