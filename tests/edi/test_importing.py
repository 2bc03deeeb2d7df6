"""From a file to documents."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from apps.edi.models import (
    Document,
    DocumentLine,
    DocumentStatus,
    EdiFault,
    EdiMessage,
    FileStatus,
    Interchange,
    InterchangeStatus,
    MessageStatus,
    Reason,
)
from tests.edi.factories import (
    imported,
    interchange,
    make_file,
    make_partner,
    make_x12_partner,
    order,
    statuses,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english() -> None:
    translation.activate("en")


def test_an_order_becomes_a_document_with_its_lines() -> None:
    make_partner()
    file = make_file(interchange(order()))

    tracker = imported(file)

    document = Document.objects.get()
    assert (document.kind, document.number, document.function) == ("order", "PO1", "9")
    assert (document.date, document.delivery_date) == (date(2026, 1, 5), date(2026, 1, 12))
    assert (document.buyer_name, document.currency) == ("CENTRALE NORD", "EUR")
    line = DocumentLine.objects.get()
    assert (line.gtin, line.supplier_ref, line.label) == (
        "3760012345670",
        "REF-7",
        "CAFE MOULU 250G",
    )
    assert (line.quantity, line.unit, line.price) == (Decimal(5), "PCE", Decimal("3.45"))
    assert file.status == FileStatus.IMPORTED
    assert len(tracker.done) == 1
    assert tracker.summary == "1 of 1 messages imported"
    assert tracker.stages == ["Receiving", "Checking", "Importing", "Acknowledging"]


def test_one_bad_message_among_many_stops_no_other() -> None:
    make_partner()
    orders = [order(str(n), f"PO{n}") for n in range(1, 21)]
    orders[6] = order("7", "PO7", quantity="1020A")
    file = make_file(interchange(*orders))

    tracker = imported(file)

    assert Document.objects.count() == 19
    assert len(tracker.failed) == 1
    (reason,) = tracker.reasons.values()
    assert str(reason) == "QTY: “1020A” is no number."
    fault = EdiFault.objects.get()
    assert fault.message is not None
    assert (fault.message.reference, fault.code, fault.tag, fault.element, fault.component) == (
        "7",
        "12",
        "QTY",
        1,
        2,
    )
    assert fault.params["found"] == "1020A"
    assert file.status == FileStatus.PARTIAL


def test_a_wrong_segment_count_refuses_that_message_only() -> None:
    make_partner()
    file = make_file(interchange(order(count=9), order("2", "PO2")))

    imported(file)

    assert statuses(file) == [MessageStatus.REJECTED, MessageStatus.IMPORTED]
    assert EdiFault.objects.get().sentence == ("UNT announces 9 segments, the message has 15.")


def test_a_tolerant_partner_gets_a_warning_instead() -> None:
    make_partner(envelope_policy="tolerant")
    file = make_file(interchange(order(count=9), found=7))

    imported(file)

    assert statuses(file) == [MessageStatus.IMPORTED]
    assert all(EdiFault.objects.values_list("is_warning", flat=True))
    assert EdiFault.objects.count() == 2


def test_a_wrong_message_count_refuses_the_interchange_of_a_strict_partner() -> None:
    make_partner()
    file = make_file(interchange(order(), found=7))

    tracker = imported(file)

    assert Document.objects.count() == 0
    assert file.status == FileStatus.REJECTED
    assert Interchange.objects.get().reason == Reason.FAULTS
    (reason,) = tracker.reasons.values()
    assert str(reason) == "UNZ announces 7, the file has 1."
    assert tracker.failed
    assert not tracker.done


@pytest.mark.parametrize(("policy", "documents"), [("strict", 0), ("tolerant", 1)])
def test_of_a_cut_file_the_whole_messages_are_there_for_the_tolerant(
    policy: str, documents: int
) -> None:
    make_partner(envelope_policy=policy)
    whole = interchange(order(), order("2", "PO2"))
    file = make_file(whole[: whole.index(b"PO2")])

    imported(file)

    assert Document.objects.count() == documents
    assert EdiMessage.objects.count() == 2


def test_an_unknown_sender_waits_for_a_person() -> None:
    file = make_file(interchange(order()))

    tracker = imported(file)

    found = Interchange.objects.get()
    assert (found.status, found.reason) == (InterchangeStatus.QUARANTINED, Reason.UNKNOWN_PARTNER)
    assert file.status == FileStatus.QUARANTINED
    assert len(tracker.skipped) == 1


def test_the_same_bytes_are_imported_once() -> None:
    make_partner()
    first = make_file(interchange(order()))
    imported(first)

    second = make_file(interchange(order()))
    tracker = imported(second)

    assert second.status == FileStatus.DUPLICATE
    assert second.duplicate_of == first
    assert Document.objects.count() == 1
    assert len(tracker.skipped) == 1


def test_the_same_reference_with_other_bytes_waits_for_a_person() -> None:
    make_partner()
    imported(make_file(interchange(order())))

    second = make_file(interchange(order(number="PO2")))
    imported(second)

    found = second.interchanges.get()
    assert (found.status, found.reason) == (InterchangeStatus.QUARANTINED, Reason.DUPLICATE)
    assert found.conflicts_with is not None
    assert Document.objects.count() == 1


def test_a_known_order_waits_for_a_person() -> None:
    make_partner()
    imported(make_file(interchange(order())))

    second = make_file(interchange(order(), reference="REF2"))
    tracker = imported(second)

    assert statuses(second) == [MessageStatus.QUARANTINED]
    (reason,) = tracker.reasons.values()
    assert str(reason).startswith("Order PO1 of ")
    assert Document.objects.count() == 1


def test_a_replacement_replaces() -> None:
    make_partner()
    imported(make_file(interchange(order())))

    imported(make_file(interchange(order(function="5", quantity="9"), reference="REF2")))

    old, new = Document.objects.order_by("pk")
    assert (old.status, new.status) == (DocumentStatus.REPLACED, DocumentStatus.ACTIVE)
    assert new.lines.get().quantity == 9


def test_a_partner_may_replace_by_sending_again() -> None:
    make_partner(duplicate_policy="replace")
    imported(make_file(interchange(order())))

    imported(make_file(interchange(order(), reference="REF2")))

    assert Document.objects.filter(status=DocumentStatus.ACTIVE).count() == 1
    assert Document.objects.count() == 2


def test_a_cancellation_cancels() -> None:
    make_partner()
    imported(make_file(interchange(order())))

    imported(make_file(interchange(order(function="1"), reference="REF2")))

    assert list(Document.objects.values_list("status", flat=True)) == ["cancelled", "cancelled"]


def test_other_types_are_kept_and_not_an_error() -> None:
    make_partner()
    file = make_file(interchange(order(kind="INVRPT"), order("2", "PO2")))

    tracker = imported(file)

    assert statuses(file) == [MessageStatus.UNSUPPORTED, MessageStatus.IMPORTED]
    assert file.status == FileStatus.IMPORTED
    assert len(tracker.skipped) == 1


def test_x12_is_imported_too() -> None:
    make_x12_partner()
    file = make_file("x12_850.edi")

    imported(file)

    assert list(Document.objects.order_by("number").values_list("kind", "number")) == [
        ("order", "PO1"),
        ("order", "PO2"),
    ]
    assert DocumentLine.objects.first().price == Decimal("9.25")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("empty.edi", FileStatus.REJECTED),
        ("garbage.edi", FileStatus.UNSUPPORTED),
        ("tradacoms.edi", FileStatus.UNSUPPORTED),
        ("x12_short_isa.edi", FileStatus.REJECTED),
        ("supplier.xml", FileStatus.REJECTED),
        ("una_twice_the_same.edi", FileStatus.REJECTED),
    ],
)
def test_what_is_no_edi_is_refused_in_words(name: str, status: str) -> None:
    file = make_file(name)

    tracker = imported(file)

    assert file.status == status
    assert len(tracker.failed) == 1
    assert EdiFault.objects.get(file=file).sentence


def test_texts_from_a_file_may_hold_anything() -> None:
    make_partner()
    data = interchange(order()).replace(b"CAFE MOULU", b"CAF\xe9 \0<script>")
    file = make_file(data)

    imported(file)

    assert DocumentLine.objects.get().label == "CAFé \ufffd<script> 250G"


def test_a_partners_charset_overrides_what_the_file_says() -> None:
    make_partner(charset="utf-8")
    data = interchange(order()).replace(b"CAFE MOULU", "CAFÉ MOULU".encode())
    file = make_file(data)

    imported(file)

    assert DocumentLine.objects.get().label == "CAFÉ MOULU 250G"


def test_a_refused_interchange_is_taken_when_its_partner_has_become_tolerant() -> None:
    partner = make_partner()
    file = make_file(interchange(order(), found=7))
    imported(file)
    partner.envelope_policy = "tolerant"
    partner.save()

    tracker = imported(file)

    assert statuses(file) == [MessageStatus.IMPORTED]
    assert file.status == FileStatus.IMPORTED
    assert len(tracker.done) == 2


def test_what_waits_for_a_person_is_in_the_summary() -> None:
    tracker = imported(make_file(interchange(order())))

    assert tracker.summary == "0 of 1 messages imported, 1 wait for your decision"


def test_importing_again_changes_nothing() -> None:
    make_partner()
    file = make_file(interchange(order(), order("2", "PO2", quantity="x")))
    imported(file)

    imported(file)

    assert Document.objects.count() == 1
    assert EdiFault.objects.count() == 1
