"""997, X12's answer: one transaction set for each functional group, and a TA1 for the envelope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.edi.acknowledgements.writing import x12
from apps.edi.models import EdiFault, EdiMessage, Interchange, InterchangeStatus, MessageStatus

#: AK501 and AK901: accepted, with errors noted, rejected, and partly accepted.
ACCEPTED, NOTED, REJECTED, PARTLY = "A", "E", "R", "P"
#: AK502: the type is not supported.
NOT_SUPPORTED = "1"
#: AK304: the segment has errors in its elements.
ELEMENT_ERRORS = "8"
MOST_CODES = 5
DUPLICATE = "025"


def write(interchange: Interchange, now: datetime) -> str:
    """Write the acknowledgement of an interchange."""
    # Of the interchange and of its only group: partners take a number seen before for a duplicate.
    number = f"{interchange.pk % 10**9:09d}"
    group_number = str(int(number))
    ours = (interchange.recipient_qualifier or "ZZ", interchange.recipient)
    theirs = (interchange.sender_qualifier or "ZZ", interchange.sender)
    header = "*".join(
        [
            *("ISA", "00", " " * 10, "00", " " * 10),
            *(f"{ours[0]:2.2}", f"{_bare(ours[1]):15.15}"),
            *(f"{theirs[0]:2.2}", f"{_bare(theirs[1]):15.15}"),
            *(f"{now:%y%m%d}", f"{now:%H%M}", "U", "00401", number),
            *("0", "T" if interchange.is_test else "P", ">"),
        ]
    )
    parts = [f"{header}~\n", *_ta1(interchange)]
    sets = [
        text
        for index, group in enumerate(interchange.groups, start=1)
        for text in _set(interchange, index, group)
    ]
    if sets:
        moment = (f"{now:%Y%m%d}", f"{now:%H%M}")
        version = ("X", "004010")
        parts.append(x12("GS", "FA", ours[1], theirs[1], *moment, group_number, *version))
        parts += sets
        parts.append(x12("GE", str(len(interchange.groups)), group_number))
    parts.append(x12("IEA", "1" if sets else "0", number))
    return "".join(parts)


def _ta1(interchange: Interchange) -> Iterator[str]:
    """Answer for the envelope when it was asked for, or wrong."""
    notes = [
        code for fault in interchange.faults.filter(message=None) if (code := _value(fault, "TA1"))
    ]
    refused = interchange.status in (InterchangeStatus.REJECTED, InterchangeStatus.DISCARDED)
    if interchange.status == InterchangeStatus.DISCARDED and not notes:
        notes = [DUPLICATE]
    if not (interchange.wants_acknowledgement or notes):
        return
    prepared = interchange.prepared_at and timezone.localtime(interchange.prepared_at)
    date = (f"{prepared:%y%m%d}", f"{prepared:%H%M}") if prepared else ("", "")
    code = REJECTED if refused and notes else (NOTED if notes else ACCEPTED)
    yield x12("TA1", interchange.reference, *date, code, notes[0] if notes else "000")


def _set(interchange: Interchange, index: int, group: dict[str, Any]) -> list[str]:
    control = f"{index:04d}"
    texts = [x12("ST", "997", control), x12("AK1", group["kind"], group["reference"])]
    refused = interchange.status in (InterchangeStatus.REJECTED, InterchangeStatus.DISCARDED)
    received = accepted = 0
    noted = False
    messages = interchange.messages.filter(group=index - 1).order_by("position")
    for message in messages.iterator(chunk_size=200):
        received += 1
        status, lines = _message(message, refused=refused)
        accepted += status != REJECTED
        noted = noted or status == NOTED
        texts += lines
    codes = _codes(interchange.faults.filter(message=None, level="group"), "AK9")
    if not accepted:
        status = REJECTED
    elif accepted < received:
        status = PARTLY
    else:
        status = NOTED if noted or codes else ACCEPTED
    announced = group["announced"] if group["announced"].isdigit() else str(received)
    texts.append(x12("AK9", status, announced[:6], str(received), str(accepted), *codes))
    texts.append(x12("SE", str(len(texts) + 1), control))
    return texts


def _message(message: EdiMessage, *, refused: bool) -> tuple[str, list[str]]:
    """Give what became of a transaction set, and its AK2 to AK5."""
    texts = [x12("AK2", message.type, message.reference)]
    faults = list(message.faults.all())
    for fault in faults:
        texts += _segment(message, fault)
    codes = _codes(faults, "AK5")
    if message.status == MessageStatus.UNSUPPORTED:
        status, codes = REJECTED, [NOT_SUPPORTED]
    elif message.status == MessageStatus.REJECTED or (
        refused and message.status == MessageStatus.PENDING
    ):
        status = REJECTED
        codes = codes or ["5"]
    else:
        status = NOTED if faults else ACCEPTED
    texts.append(x12("AK5", status, *codes))
    return status, texts


def _segment(message: EdiMessage, fault: EdiFault) -> list[str]:
    position = str(max(fault.segment - message.first_segment + 1, 1))
    if code := _value(fault, "AK3"):
        return [x12("AK3", fault.tag[:3], position, "", code)]
    if code := _value(fault, "AK4"):
        lines = [x12("AK3", fault.tag[:3], position, "", ELEMENT_ERRORS)]
        if fault.element:
            lines.append(x12("AK4", str(fault.element), "", code))
        return lines
    return []


def _codes(faults: Iterable[EdiFault], element: str) -> list[str]:
    found = dict.fromkeys(code for fault in faults if (code := _value(fault, element)))
    return list(found)[:MOST_CODES]


def _value(fault: EdiFault, element: str) -> str:
    name, _, value = fault.code.partition("*")
    return value if name == element else ""


def _bare(text: str) -> str:
    return "".join(each if each.isprintable() and each not in "*>~" else " " for each in text)
