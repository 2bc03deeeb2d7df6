"""What holds for every file, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.edi.reader import Begin, End, Message, Unreadable, read, x12
from apps.edi.reader.faults import MOST_FAULTS
from apps.edi.reader.separators import BOM
from apps.edi.reader.tokenizer import LONGEST_SEGMENT, Tokenizer
from tests.edi.interchanges import Written, interchanges, pieces

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
CUTS = st.lists(st.integers(0, 2000), max_size=8)


def trace(chunks: Iterable[bytes]) -> list[Any]:
    """Everything that can be seen of a file's events."""
    seen: list[Any] = []
    try:
        for event in read(chunks):
            match event:
                case Begin(interchange=begun):
                    seen.append(("begin", begun.position, begun.sender, begun.reference))
                case Message():
                    seen.append(
                        (
                            event.position,
                            event.reference,
                            event.type,
                            event.offset,
                            event.end,
                            [
                                (s.elements, s.number, s.offset, s.end, s.unclean)
                                for s in event.segments
                            ],
                            event.faults,
                        )
                    )
                case End(interchange=ended):
                    seen.append(("end", ended.messages, ended.announced, ended.faults))
    except Unreadable as lost:
        seen.append(lost.fault)
    return seen


@given(interchanges())
def test_what_is_written_is_read(written: Written) -> None:
    segments = list(Tokenizer().segments([written.data]))

    assert [segment.elements for segment in segments] == written.segments
    for segment in segments:
        assert written.data[segment.offset :].startswith(segment.tag.encode())


@given(interchanges())
def test_a_right_interchange_has_no_faults(written: Written) -> None:
    events = list(read([written.data]))

    assert all(not e.faults for e in events if isinstance(e, Message))
    assert [e.interchange.faults for e in events if isinstance(e, End)] == [[]]


@given(interchanges(), CUTS)
def test_chunks_may_end_anywhere(written: Written, cuts: list[int]) -> None:
    assert trace(pieces(written.data, cuts)) == trace([written.data])


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_byte_for_byte_is_as_good_as_at_once(path: Path) -> None:
    data = path.read_bytes()

    assert trace(data[i : i + 1] for i in range(len(data))) == trace([data])


@pytest.mark.parametrize("head", [BOM, BOM + BOM, b" \n" + BOM + b" ", BOM + b" " + BOM])
def test_byte_order_marks_are_the_same_in_any_pieces(head: bytes) -> None:
    for data in (head, head + CORPUS[0].with_name("orders_two.edi").read_bytes()):
        assert trace(data[i : i + 1] for i in range(len(data))) == trace([data])


@settings(max_examples=300)
@given(st.binary(max_size=400), CUTS)
def test_any_bytes_raise_nothing_but_the_readers_own(data: bytes, cuts: list[int]) -> None:
    for head in (b"", b"UNB+", b"UNA:+.? '", b"ISA*"):
        assert trace(pieces(head + data, cuts)) == trace([head + data])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CORPUS), st.integers(0), CUTS)
def test_damaged_files_raise_nothing_but_the_readers_own(
    path: Path, seed: int, cuts: list[int]
) -> None:
    data = mutated(path.read_bytes(), Random(seed))

    assert trace(pieces(data, cuts)) == trace([data])


def mutated(data: bytes, random: Random) -> bytes:
    """Damage a file: drop, double, swap and change bytes, the separators above all."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, 8)):
        at = random.randrange(len(damaged) + 1)
        match random.randrange(5):
            case 0:
                del damaged[at : at + random.randint(1, 20)]
            case 1:
                damaged[at:at] = damaged[at : at + random.randint(1, 40)]
            case 2:
                damaged[at:at] = random.choice(
                    [b"?", b"'", b"+", b":", b"~", b"*", b"\n", b"\0", b"UNA", b"ISA", b"UNB+"]
                )
            case 3:
                damaged[at : at + 1] = bytes([random.randrange(256)])
            case _:
                del damaged[at:]
    return bytes(damaged)


def test_every_message_is_given_out_even_when_the_file_is_cut_anywhere() -> None:
    data = (CORPUS[0].parent / "orders_two.edi").read_bytes()
    second = data.index(b"UNH+2")

    for end in range(second + 5, len(data)):
        messages = [e for e in trace([data[:end]]) if isinstance(e, tuple) and len(e) == 7]
        assert len(messages) in (1, 2), end
        assert messages[0][6] == []


def test_a_ta1_inside_a_message_is_a_part_of_its_bytes() -> None:
    data = (CORPUS[0].parent / "x12_no_se.edi").read_bytes()
    cut = data[: data.index(b"SE*5")] + b"TA1*000000001*260105*1200*A*000~"

    (message,) = [event for event in read([cut]) if isinstance(event, Message)][-1:]

    assert message.segments[-1].tag == "TA1"
    assert message.end == len(cut)


def test_endless_ta1s_inside_a_message_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x12, "MOST_SEGMENTS", 10)
    data = (CORPUS[0].parent / "x12_no_se.edi").read_bytes()
    cut = data[: data.index(b"SE*5")] + b"TA1*000000001*260105*1200*A*000~" * 50

    (message,) = [event for event in read([cut]) if isinstance(event, Message)][-1:]

    assert len(message.segments) <= 11


def test_an_endless_segment_is_given_up_early() -> None:
    read_bytes = 0

    def endless() -> Iterable[bytes]:
        nonlocal read_bytes
        yield b"UNB+UNOC:3+A+B+260105:1200+1'"
        while True:
            read_bytes += 1 << 16
            yield b"A" * (1 << 16)

    with pytest.raises(Unreadable, match="segment-too-long"):
        list(read(endless()))

    assert read_bytes <= LONGEST_SEGMENT + (2 << 16)


def test_endless_released_terminators_are_given_up_early() -> None:
    def endless() -> Iterable[bytes]:
        yield b"UNB+UNOC:3+A+B+260105:1200+1'FTX+"
        while True:
            yield b"?'" * (1 << 15)

    with pytest.raises(Unreadable, match="segment-too-long"):
        list(read(endless()))


def test_many_faults_are_counted_not_kept() -> None:
    data = b"UNB+UNOC:3+A+B+260105:1200+1'" + b"XYZ+1'" * 10_000

    ended = [event for event in read([data]) if isinstance(event, End)]

    assert len(ended[0].interchange.faults) == MOST_FAULTS
    assert ended[0].interchange.fault_count == 10_001
