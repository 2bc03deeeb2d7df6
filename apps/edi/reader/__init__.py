"""Reads EDIFACT and X12 as a stream: bytes in, events with positions out. Nothing of Django.

    for event in read(chunks_of(file)):
        match event:
            case Begin(interchange=interchange): ...
            case Message(): ...
            case End(interchange=interchange): ...

Wrong counts, references and the like are no errors but `faults` on what they are about; only a
file that can't be read on raises, `Unreadable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from apps.edi.reader.edifact import EdifactEnvelope
from apps.edi.reader.envelope import Envelope
from apps.edi.reader.errors import ReaderError, Unreadable
from apps.edi.reader.events import Begin, End, Event, Group, Interchange, Message
from apps.edi.reader.faults import Fault, Kind, Level
from apps.edi.reader.segments import Segment
from apps.edi.reader.separators import Separators
from apps.edi.reader.sniff import sniff
from apps.edi.reader.tokenizer import Tokenizer
from apps.edi.reader.x12 import X12Envelope

__all__ = [
    "Begin",
    "End",
    "Event",
    "Fault",
    "Group",
    "Interchange",
    "Kind",
    "Level",
    "Message",
    "ReaderError",
    "Segment",
    "Separators",
    "Unreadable",
    "chunks_of",
    "read",
    "read_message",
    "sniff",
]

#: Bytes read at a time.
CHUNK = 1 << 16


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """Give a file's bytes in pieces."""
    while chunk := file.read(CHUNK):
        yield chunk


def read(chunks: Iterable[bytes], charset: str | None = None) -> Iterator[Event]:
    """Read one file of any number of interchanges.

    Args:
        chunks: The file's bytes, in pieces of any sizes.
        charset: A Python codec to use whatever the file says of itself.

    Raises:
        Unreadable: where nothing more can be read; what came before has been given out.
    """
    tokenizer = Tokenizer(charset)
    segments = tokenizer.segments(chunks)
    first = next(segments, None)
    if first is None:
        return
    envelope: Envelope = X12Envelope() if first.separators.standard == "x12" else EdifactEnvelope()
    yield from envelope.events(chain([first], segments))


def read_message(
    data: bytes,
    separators: Separators,
    charset: str,
    *,
    offset: int = 0,
    first_segment: int = 1,
) -> Message:
    """Read a single message again, of which a first reading has found the place.

    Raises:
        Unreadable: the bytes are no whole segments.
    """
    tokenizer = Tokenizer(charset, separators, offset=offset, number=first_segment - 1)
    segments = list(tokenizer.segments([data]))
    header = segments[0]
    is_x12 = separators.standard == "x12"
    message = Message(
        Interchange(separators.standard, 1, None),
        None,
        header,
        kind=header.get(1) if is_x12 else header.get(2),
        reference=header.get(2) if is_x12 else header.get(1),
        version="",
    )
    message.segments = segments
    message.end = segments[-1].end
    return message
