"""Files damaged in every way that chance finds, for as long as one likes.

Five seconds a part, in continuous integration twenty; `FUZZ_SECONDS=600` for a long run. Each case
has a seed, which a failure tells: `FUZZ_SEED=… FUZZ_SECONDS=0` makes that one case, of that part,
again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from time import monotonic

import pytest

from apps.edi import mapping, words
from apps.edi.reader import Message, Unreadable, read, read_message
from apps.edi.reader.charsets import CHARSETS, FALLBACK
from tests.edi.interchanges import pieces
from tests.edi.test_reader_properties import CORPUS, trace

SECONDS = float(os.environ.get("FUZZ_SECONDS", "5"))
FIRST_SEED = int(os.environ.get("FUZZ_SEED", "1"))

FILES = [path.read_bytes() for path in CORPUS]
X12 = [data for data in FILES if b"ISA" in data[:8]]
EDIFACT = [data for data in FILES if data not in X12]
PARTS = {"edifact": EDIFACT, "x12": X12, "mixed": FILES}

#: What means something to a reader, or has no business in a file.
WORDS = [
    *(b"?", b"??", b"'", b"+", b":", b"~", b"*", b">", b"\n", b"\r\n", b"\0", b"\x1a", b"\x1c"),
    *(b"\x1d", b"\x1f", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"\xe9", b"UNA", b"UNA:+.? '", b"UNB+"),
    *(b"UNOC:3+", b"UNOW:4+", b"UNG+", b"UNE+1+1'", b"UNH+1+ORDERS:D:96A:UN'", b"UNT+2+1'"),
    *(b"UNZ+1+1'", b"UNS+S'", b"LIN+1++X:EN'", b"QTY+21:1e9'", b"DTM+137:99999999:102'"),
    *(b"MOA+9:,'", b"CNT+2:-'", b"ISA*", b"GS*PO*", b"ST*850*1~", b"SE*2*1~", b"GE*1*1~"),
    *(b"IEA*1*1~", b"BEG*00*SA*1**20261399~", b"PO1*1*1E5*EA*NaN~", b"CTT*x~", b"9" * 40),
]
Damage = Callable[[bytearray, Random], None]


def _place(data: bytearray, random: Random) -> int:
    return random.randrange(len(data) + 1)


def drop(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    del data[at : at + random.choice((1, 1, 3, 30, 300))]


def double(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    part = data[at : at + random.choice((1, 9, 80, 700))]
    data[at:at] = part * random.choice((1, 1, 2, 5))


def move(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    part = data[at : at + random.randint(1, 90)]
    del data[at : at + len(part)]
    to = _place(data, random)
    data[to:to] = part


def insert(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    data[at:at] = random.choice(WORDS) * random.choice((1, 1, 1, 2, 40))


def overwrite(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    word = random.choice(WORDS)
    data[at : at + len(word)] = word


def scramble(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    data[at : at + random.choice((1, 1, 2, 12))] = random.randbytes(random.choice((1, 1, 2, 12)))


def flip(data: bytearray, random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def exchange(data: bytearray, random: Random) -> None:
    """Replace a character wherever it stands: other separators, or none."""
    old, new = bytes([random.choice(b"?'+:~*>\n1U")]), bytes([random.randrange(256)])
    data[:] = data.replace(old, random.choice((new, b"", b"\r\n")))


def cut(data: bytearray, random: Random) -> None:
    del data[_place(data, random) :]


def behead(data: bytearray, random: Random) -> None:
    del data[: _place(data, random)]


DAMAGES: list[Damage] = [drop, double, move, insert, overwrite, scramble, flip, exchange]
#: They leave little to damage further.
RARE: list[Damage] = [cut, behead]


def damaged(files: list[bytes], seed: int) -> tuple[bytes, list[int]]:
    """Make a case: a file, or parts of two, damaged up to thirty times; and where to cut it."""
    random = Random(seed)
    data = bytearray(random.choice(files))
    if random.random() < 0.4:
        other = bytearray(random.choice(files))
        data[_place(data, random) :] = other[_place(other, random) :]
    for _ in range(random.choice((1, 2, 4, 8, 30))):
        random.choice(RARE if random.random() < 0.05 else DAMAGES)(data, random)
    del data[20_000:]
    cuts = [random.randrange(len(data) + 1) for _ in range(random.randrange(6))]
    return bytes(data), cuts


def seeds() -> Iterator[int]:
    """Give one seed after the other until time is up, and one at least."""
    until = monotonic() + SECONDS
    for seed in count(FIRST_SEED):
        yield seed
        if monotonic() >= until:
            return


def examine(data: bytes, cuts: list[int]) -> None:
    """Take a file the whole way that an import takes it, without a database."""
    assert trace(pieces(data, cuts)) == trace([data])
    try:
        for event in read([data]):
            # What stands outside any envelope has no sender, and is imported by nobody.
            if isinstance(event, Message) and event.interchange.header is not None:
                _import(event, data)
    except Unreadable as lost:
        words.of(lost.fault)


def _import(message: Message, data: bytes) -> None:
    """Read a message again by its bytes, as the import does, and map it."""
    interchange = message.interchange
    level = interchange.syntax.split(":")[0]
    is_edifact = interchange.standard == "edifact"
    charset = CHARSETS.get(level, FALLBACK) if is_edifact else "utf-8"
    again = read_message(
        data[message.offset : message.end],
        message.header.separators,
        charset,
        offset=message.offset,
        first_segment=message.header.number,
    )
    assert [each.elements for each in again.segments] == [
        each.elements for each in message.segments
    ]
    draft = mapping.draft_of(again)
    for fault in [*message.faults, *(draft.findings if draft else [])]:
        words.of(fault)


@pytest.mark.parametrize("part", PARTS)
def test_no_damage_raises_anything_but_the_readers_own(part: str) -> None:
    for seed in seeds():
        data, cuts = damaged(PARTS[part], seed)
        try:
            examine(data, cuts)
        except Exception as error:
            again = f"FUZZ_SEED={seed} FUZZ_SECONDS=0 pytest {__file__} -k {part}"
            raise AssertionError(f"{error!r}; to repeat it: {again}") from error
