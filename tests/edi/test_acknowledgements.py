"""CONTRL and 997: what a partner is told, in files that our own reader finds nothing wrong with."""

from __future__ import annotations

import pytest

from apps.edi.models import Interchange
from apps.edi.reader import End, Message, read
from tests.edi.factories import (
    CORPUS,
    imported,
    interchange,
    make_file,
    make_partner,
    make_x12_partner,
    order,
)

pytestmark = pytest.mark.django_db


def read_clean(text: str) -> list[Message]:
    """Read an acknowledgement; nothing may be wrong with it."""
    events = list(read([text.encode("iso8859-1")]))
    messages = [event for event in events if isinstance(event, Message)]
    for event in events:
        if isinstance(event, Message):
            assert event.faults == []
        elif isinstance(event, End):
            assert event.interchange.faults == []
    return messages


def answer_to(data: bytes | str) -> list[Message]:
    imported(make_file(data))
    return read_clean(Interchange.objects.get().acknowledgement)


def segments(message: Message, *tags: str) -> list[list[list[str]]]:
    return [each.elements for each in message.segments if each.tag in tags]


def test_a_good_interchange_is_acknowledged() -> None:
    make_partner()

    (contrl,) = answer_to(interchange(order()))

    assert contrl.type == "CONTRL"
    (uci,) = segments(contrl, "UCI")
    assert uci[1:] == [["REF1"], ["3012345678901", "14"], ["3098765432109", "14"], ["7"]]
    assert segments(contrl, "UCM") == []


def test_a_bad_message_is_named_with_its_segment_and_element() -> None:
    make_partner()

    (contrl,) = answer_to(interchange(order(), order("2", "PO2", quantity="1020A")))

    (ucm,) = segments(contrl, "UCM")
    assert ucm[1:4] == [["2"], ["ORDERS", "D", "96A", "UN"], ["4"]]
    assert segments(contrl, "UCS") == [[["UCS"], ["11"]]]
    # QTY+21:1020A: the tag is position 1 (0098), so that C186 is 2; in it, 6060 is 2 (0104).
    assert segments(contrl, "UCD") == [[["UCD"], ["12"], ["2", "2"]]]


def test_a_wrong_count_is_told_with_its_code() -> None:
    make_partner()

    (contrl,) = answer_to(interchange(order(count=9), order("2", "PO2")))

    (ucm,) = segments(contrl, "UCM")
    assert ucm[3:] == [["4"], ["29"], ["UNT"]]


def test_a_refused_interchange_is_refused_as_a_whole() -> None:
    make_partner()

    (contrl,) = answer_to(interchange(order(), found=7))

    (uci,) = segments(contrl, "UCI")
    assert uci[4:] == [["4"], ["29"], ["UNZ"]]


def test_groups_are_named() -> None:
    make_partner("S", "14")
    data = (CORPUS / "ung.edi").read_bytes()

    (contrl,) = answer_to(data)

    assert segments(contrl, "UCF") == [[["UCF"], ["G1"], [""], [""], ["7"]]]


def test_strange_characters_are_released() -> None:
    make_partner("A+B:C?", "14")
    data = interchange(order(), sender="A?+B?:C??:14", reference="R?'1")

    (contrl,) = answer_to(data)

    (uci,) = segments(contrl, "UCI")
    assert uci[1:3] == [["R'1"], ["A+B:C?", "14"]]


def test_x12_is_answered_by_a_997_for_each_group() -> None:
    make_x12_partner()

    (answer,) = answer_to("x12_850.edi")

    assert answer.type == "997"
    assert segments(answer, "AK1") == [[["AK1"], ["PO"], ["1"]]]
    assert [each[2] for each in segments(answer, "AK2")] == [["0001"], ["0002"]]
    assert [each[1] for each in segments(answer, "AK5")] == [["A"], ["A"]]
    assert segments(answer, "AK9") == [[["AK9"], ["A"], ["2"], ["2"], ["2"]]]


def test_each_997_has_a_group_number_of_its_own() -> None:
    make_x12_partner()
    data = (CORPUS / "x12_850.edi").read_bytes()
    imported(make_file(data))
    imported(make_file(data.replace(b"000000001", b"000000002").replace(b"PO1", b"PO9")))

    answers = [each.acknowledgement for each in Interchange.objects.all()]

    references = [read_clean(text)[0].group.reference for text in answers]  # type: ignore[union-attr]
    assert len(set(references)) == 2


def test_a_bad_transaction_set_is_refused_alone() -> None:
    make_x12_partner()
    data = (CORPUS / "x12_850.edi").read_bytes().replace(b"SE*5*0001", b"SE*9*0001")
    data = data.replace(b"PO1*1*5*EA", b"PO1*1*5X*EA", 1)

    (answer,) = answer_to(data)

    assert segments(answer, "AK5") == [[["AK5"], ["R"], ["4"]], [["AK5"], ["A"]]]
    assert segments(answer, "AK9") == [[["AK9"], ["P"], ["2"], ["2"], ["1"]]]


def test_a_bad_element_is_named() -> None:
    make_x12_partner()
    data = (CORPUS / "x12_850.edi").read_bytes().replace(b"PO1*1*5*EA", b"PO1*1*5X*EA", 1)

    (answer,) = answer_to(data)

    assert segments(answer, "AK3", "AK4") == [
        [["AK3"], ["PO1"], ["3"], [""], ["8"]],
        [["AK4"], ["2"], [""], ["6"]],
    ]
    assert segments(answer, "AK5")[0] == [["AK5"], ["R"], ["5"]]


def test_a_cut_x12_file_gets_a_ta1() -> None:
    make_x12_partner()

    imported(make_file("x12_no_iea.edi"))

    text = Interchange.objects.get().acknowledgement
    (answer,) = read_clean(text)
    assert "TA1*000000001*260105*1200*R*023~" in text
    assert segments(answer, "AK9")[0][1] == ["R"]


def test_an_acknowledgement_is_never_acknowledged() -> None:
    make_partner()

    imported(make_file(interchange(order(kind="CONTRL"))))

    assert Interchange.objects.get().acknowledgement == ""


def test_a_partner_who_wants_none_gets_none() -> None:
    make_partner(acknowledgement="none")

    imported(make_file(interchange(order())))

    assert Interchange.objects.get().acknowledgement == ""
