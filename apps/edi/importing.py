"""Import one message: its document, its lines and its own state, in the item's transaction."""

from __future__ import annotations

from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext_noop

from apps.core import bulk
from apps.core.errors import ItemSkipped
from apps.core.texts import storable
from apps.edi import mapping, policy, xml_invoices
from apps.edi.errors import MessageRefused, NoInvoiceError
from apps.edi.mapping import Draft
from apps.edi.models import (
    Document,
    DocumentLine,
    DocumentStatus,
    DuplicatePolicy,
    EdiFault,
    EdiMessage,
    MessageStatus,
    Partner,
)
from apps.edi.reader import Fault, Kind, Level, Separators, read_message
from apps.edi.reader.separators import Standard
from apps.edi.recording import fault_row

#: Functions (EDIFACT 1225) that change an earlier document instead of being a new one.
CANCELS = "1"
REPLACES = frozenset({"4", "5"})
#: The columns of a line, in the order in which they are written.
LINE = (
    *("document", "position", "gtin", "buyer_ref", "supplier_ref", "label"),
    *("quantity", "unit", "price", "price_per", "net", "sscc"),
)
UNSUPPORTED = gettext_noop("Messages of the type %(type)s are kept, but not imported.")
KNOWN = {
    "order": gettext_noop("Order %(number)s of %(date)s is here already (file %(file)s)."),
    "despatch": gettext_noop(
        "Despatch advice %(number)s of %(date)s is here already (file %(file)s)."
    ),
    "invoice": gettext_noop("Invoice %(number)s of %(date)s is here already (file %(file)s)."),
    "credit": gettext_noop("Credit note %(number)s of %(date)s is here already (file %(file)s)."),
}


def take(message: EdiMessage, content: BinaryIO) -> Document:
    """Make a message's document. Called inside an item; the item settles how it ends.

    Raises:
        MessageRefused: something is wrong that the partner's policy does not let pass.
        ItemSkipped: its type is not supported, or a person has to decide.
    """
    draft = examine(message, content)
    if draft is None:
        _move(message, MessageStatus.UNSUPPORTED)
        raise ItemSkipped(UNSUPPORTED, code="unsupported", params={"type": message.type})
    document = _place(message, draft)
    _move(message, MessageStatus.IMPORTED)
    if draft.findings:
        keep_findings(message, draft.findings)
    return document


def examine(message: EdiMessage, content: BinaryIO) -> Draft | None:
    """Make a message's draft; None when its type is not supported. Writes nothing.

    Raises:
        MessageRefused: something is wrong that the partner's policy does not let pass.
    """
    if message.envelope_faults:
        _check_envelope(message, _partner(message))
    standard = message.interchange.standard
    is_xml = standard in ("xml", "pdf")
    if not is_xml and not mapping.is_supported(standard, message.type):
        return None
    draft = _draft(message, content, is_xml=is_xml)
    if draft.refusals:
        raise MessageRefused(draft.refusals, draft.findings)
    return draft


def _partner(message: EdiMessage) -> Partner:
    partner = message.interchange.partner
    if partner is None:
        raise RuntimeError("an interchange is accepted only from a partner")
    return partner


def _check_envelope(message: EdiMessage, partner: Partner) -> None:
    """Refuse a message whose envelope is wrong, under the policy as it is now."""
    found = message.faults.exclude(kind__in=mapping.KINDS_OF_FINDINGS)
    refused = policy.refusals((row.as_read() for row in found), tolerant=partner.is_tolerant)
    if refused:
        raise MessageRefused(refused, [])


def _draft(message: EdiMessage, content: BinaryIO, *, is_xml: bool) -> Draft:
    content.seek(message.offset)
    data = content.read(message.end - message.offset)
    if is_xml:
        try:
            return xml_invoices.draft_of(data)
        except NoInvoiceError as error:
            fault = Fault(
                kind=Kind.NO_INVOICE,
                level=Level.FILE,
                code="13",
                segment=0,
                offset=0,
                params={"found": error.why},
            )
            raise MessageRefused([fault], [fault]) from error
    interchange = message.interchange
    component, data_mark, release, terminator = interchange.marks
    standard: Standard = "x12" if interchange.standard == "x12" else "edifact"
    read = read_message(
        data,
        Separators(standard, component, data_mark, release, terminator),
        interchange.charset,
        offset=message.offset,
        first_segment=message.first_segment,
    )
    draft = mapping.draft_of(read)
    if draft is None:
        raise RuntimeError(f"{message.type} has no mapping")
    return draft


def _place(message: EdiMessage, draft: Draft) -> Document:
    """Write the document, after making room for it where its number is known.

    The database tells what is known: to ask first would cost more, and another job could be faster.
    """
    document = _document(message, draft)
    if draft.function != CANCELS:
        try:
            with transaction.atomic():
                document.save(force_insert=True)
        except IntegrityError:
            _make_room(message, draft)
            document.save(force_insert=True)
    else:
        _make_room(message, draft)
        document.status = DocumentStatus.CANCELLED
        document.save(force_insert=True)
    _write_lines(document, message, draft)
    return document


def _make_room(message: EdiMessage, draft: Draft) -> None:
    """Let a document that is known go, or leave that to a person."""
    partner = _partner(message)
    same = Document.objects.filter(
        partner=partner,
        kind=draft.kind,
        number=storable(draft.number),
        status=DocumentStatus.ACTIVE,
    )
    known = same.select_related("message__interchange").first()
    if known is None:
        return
    replaces = (
        draft.function in REPLACES
        or message.forced
        or partner.duplicate_policy == DuplicatePolicy.REPLACE
    )
    if draft.function == CANCELS or replaces:
        gone = DocumentStatus.CANCELLED if draft.function == CANCELS else DocumentStatus.REPLACED
        Document.objects.filter(pk=known.pk).update(status=gone)
        return
    EdiMessage.objects.filter(pk=message.pk).update(
        status=MessageStatus.QUARANTINED, conflicts_with=known
    )
    raise ItemSkipped(
        KNOWN[draft.kind],
        code="known",
        params={
            "number": storable(draft.number),
            "date": date_format(known.date, "SHORT_DATE_FORMAT") if known.date else "?",
            "file": f"#{known.message.interchange.file_id}",
        },
    )


def _document(message: EdiMessage, draft: Draft) -> Document:
    return Document(
        message=message,
        partner=_partner(message),
        kind=draft.kind,
        number=storable(draft.number),
        function=storable(draft.function)[:3],
        date=draft.date,
        delivery_date=draft.delivery_date,
        currency=storable(draft.currency),
        order_ref=storable(draft.order_ref),
        buyer_id=storable(draft.buyer.id),
        buyer_name=storable(draft.buyer.name),
        supplier_id=storable(draft.supplier.id),
        supplier_name=storable(draft.supplier.name),
        ship_to_id=storable(draft.ship_to.id),
        ship_to_name=storable(draft.ship_to.name),
        total=draft.total,
    )


def _write_lines(document: Document, message: EdiMessage, draft: Draft) -> None:
    """Write the lines as plain rows: as objects they would take a quarter of the whole import."""
    # Only a message whose characters were found fault with can hold a NUL.
    kept = storable if message.envelope_faults else str
    quantity, price, price_per, net = bulk.adapters(
        DocumentLine, "quantity", "price", "price_per", "net"
    )
    rows = [
        (
            document.pk,
            line.position,
            kept(line.gtin),
            kept(line.buyer_ref),
            kept(line.supplier_ref),
            kept(line.label),
            quantity(line.quantity),
            kept(line.unit),
            price(line.price),
            price_per(line.price_per),
            net(line.net),
            kept(line.sscc),
        )
        for line in draft.lines
    ]
    bulk.insert(DocumentLine, LINE, rows)


def keep_findings(message: EdiMessage, findings: list[Fault]) -> None:
    """Write down what a mapping found, in place of what an earlier attempt has."""
    tolerant = message.interchange.partner is not None and message.interchange.partner.is_tolerant
    message.faults.filter(kind__in=mapping.KINDS_OF_FINDINGS).delete()
    EdiFault.objects.bulk_create(
        fault_row(
            finding,
            message.interchange.file,
            message.interchange,
            message,
            tolerant=tolerant,
        )
        for finding in findings
    )


def refuse(message: EdiMessage, findings: list[Fault]) -> None:
    """Write down that a message was refused; may be called again."""
    with transaction.atomic():
        _move(message, MessageStatus.REJECTED)
        keep_findings(message, findings)


def _move(message: EdiMessage, status: MessageStatus) -> None:
    EdiMessage.objects.filter(pk=message.pk).update(status=status)
