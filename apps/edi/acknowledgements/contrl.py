"""CONTRL, EDIFACT's answer to an interchange (syntax 3): what was taken, what was not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from apps.edi.acknowledgements.writing import edifact
from apps.edi.models import EdiFault, EdiMessage, Interchange, InterchangeStatus, MessageStatus

#: 0083, the action taken.
REJECTED, ACKNOWLEDGED = "4", "7"
#: 0085: a duplicate; no agreement about this type; an error that has no code of its own.
DUPLICATE, NO_AGREEMENT, UNSPECIFIED = "26", "17", "18"
#: Faults of one message that are told.
MOST = 20


def write(interchange: Interchange, now: datetime) -> str:
    """Write the acknowledgement of an interchange."""
    reference = f"ACK{interchange.pk}"
    sender = (interchange.recipient, interchange.recipient_qualifier)
    recipient = (interchange.sender, interchange.sender_qualifier)
    moment = (f"{now:%y%m%d}", f"{now:%H%M}")
    test = ["1"] if interchange.is_test else []
    head = edifact("UNB", ("UNOC", "3"), sender, recipient, moment, reference, *[""] * 5, *test)
    body = [edifact("UNH", "1", ("CONTRL", "D", "3", "UN")), *_body(interchange)]
    body.append(edifact("UNT", str(len(body) + 1), "1"))
    return "".join([head, *body, edifact("UNZ", "1", reference)])


def _body(interchange: Interchange) -> Iterator[str]:
    refused = interchange.status in (InterchangeStatus.REJECTED, InterchangeStatus.DISCARDED)
    fault = _worst(interchange) if refused else None
    whole = refused and (fault is not None or interchange.status == InterchangeStatus.DISCARDED)
    yield edifact(
        "UCI",
        interchange.reference,
        (interchange.sender, interchange.sender_qualifier),
        (interchange.recipient, interchange.recipient_qualifier),
        REJECTED if whole else ACKNOWLEDGED,
        (fault.code if fault else DUPLICATE) if whole else "",
        _service_tag(fault.tag) if fault else "",
    )
    if whole:
        return
    told: int | None = None
    for message in _refused_messages(interchange):
        if message.group is not None and message.group != told:
            told = message.group
            group = interchange.groups[told] if told < len(interchange.groups) else {}
            yield edifact("UCF", group.get("reference", ""), "", "", ACKNOWLEDGED)
        yield from _message(message)


def _worst(interchange: Interchange) -> EdiFault | None:
    return interchange.faults.filter(message=None, is_warning=False).first()


def _refused_messages(interchange: Interchange) -> Iterator[EdiMessage]:
    told = [MessageStatus.REJECTED]
    if interchange.wants_acknowledgement:
        told.append(MessageStatus.UNSUPPORTED)
    messages = interchange.messages.filter(status__in=told).order_by("position")
    return messages.iterator(chunk_size=200)


def _message(message: EdiMessage) -> Iterator[str]:
    version, _, release = message.version.partition(".")
    identifier = (message.type, version, release, "UN")
    if message.status == MessageStatus.UNSUPPORTED:
        yield edifact("UCM", message.reference, identifier, REJECTED, NO_AGREEMENT)
        return
    faults = list(message.faults.filter(is_warning=False)[:MOST])
    envelope = [fault for fault in faults if fault.level == "message"]
    code = envelope[0].code if envelope else ("" if faults else UNSPECIFIED)
    tag = _service_tag(envelope[0].tag) if envelope else ""
    yield edifact("UCM", message.reference, identifier, REJECTED, code, tag)
    for fault in faults:
        if fault in envelope or not fault.segment:
            continue
        position = str(max(fault.segment - message.first_segment + 1, 1))
        if fault.element:
            yield edifact("UCS", position)
            component = str(fault.component) if fault.component > 1 else ""
            # 0098 counts the segment's tag too; 0104 begins with the first component.
            yield edifact("UCD", fault.code, (str(fault.element + 1), component))
        else:
            yield edifact("UCS", position, fault.code)


def _service_tag(tag: str) -> str:
    return tag if tag in ("UNB", "UNZ", "UNG", "UNE", "UNH", "UNT") else ""
