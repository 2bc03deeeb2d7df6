"""Supplier invoices in XML: Factur-X (also inside a PDF), CII and UBL, through factur-x.

A file is one interchange with one message, so that partners, duplicates and quarantine are the
same as for EDI. Entities and document types are refused before anything is expanded, and what a
PDF unpacks to is bounded.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any, BinaryIO

from django.utils import timezone

from apps.core.texts import storable
from apps.edi import verdicts
from apps.edi.errors import NoInvoiceError, UnsafeXmlError
from apps.edi.mapping import Draft, Line, Party
from apps.edi.mapping.values import TooPrecise, number
from apps.edi.models import (
    EdiFault,
    EdiFile,
    EdiMessage,
    Interchange,
    InterchangeStatus,
    Partner,
)
from apps.edi.reader import Kind, Level

#: Larger XML or PDF invoices are not read: they would have to be in memory at once.
MAX_BYTES = 20 * 1024 * 1024
#: What one compressed part of a PDF may unpack to.
MAX_UNPACKED = 20 * 1024 * 1024
#: BT-3, the types that are credit notes.
CREDIT_NOTES = frozenset({"381", "396", "261", "502", "503"})
#: Where a party's number is looked for → the qualifier it is kept under.
_NUMBERS = (("vat_identifier", "VAT"), ("legal_identifier", "REG"))


def scan(file: EdiFile, content: BinaryIO, job_id: str) -> None:
    """Read the invoice and decide about it; what can't be read is a fault of the file."""
    try:
        invoice = parse(content.read(MAX_BYTES + 1))
    except UnsafeXmlError:
        _note(file, Kind.UNSAFE, "")
        return
    except NoInvoiceError as error:
        _note(file, Kind.NO_INVOICE, error.why)
        return
    sender, qualifier = _identity(invoice.get("BG-4"))
    recipient, recipient_qualifier = _identity(invoice.get("BG-7"))
    issued = invoice.get("BT-2")
    row = Interchange.objects.create(
        file=file,
        position=1,
        standard=file.standard,
        partner=Partner.objects.filter(edi_id=sender[:35], qualifier=qualifier).first(),
        sender=sender,
        sender_qualifier=qualifier,
        recipient=recipient,
        recipient_qualifier=recipient_qualifier,
        reference=_text(invoice.get("BT-1"), 80),
        prepared_at=_midnight(issued) if isinstance(issued, date) else None,
        announced="1",
        found=1,
        status=InterchangeStatus.QUARANTINED,
    )
    EdiMessage.objects.create(
        interchange=row,
        position=1,
        reference=row.reference,
        type="INVOICE",
        version=_text(invoice.get("BT-24"), 40),
        end=file.size,
        segments=0,
        taken_by=job_id,
    )
    verdicts.decide(row, refused=False, job_id=job_id)


def parse(data: bytes) -> dict[str, Any]:
    """Read an invoice from XML or from a PDF; keys are those of EN 16931 (BT-1, BG-25, …).

    Raises:
        UnsafeXmlError: it declares entities or a document type.
        NoInvoiceError: there is none, or it does not follow its schema.
    """
    from facturx.parse_xml import parse_ubl_cii_xml

    if len(data) > MAX_BYTES:
        raise NoInvoiceError(f"> {MAX_BYTES} bytes")
    xml = _attached(data) if data.lstrip()[:4] == b"%PDF" else data
    tree = _safe_tree(xml)
    try:
        found: dict[str, Any] = parse_ubl_cii_xml(tree, float_as="string", date_as="date")
    except Exception as error:  # the library raises plain Exception
        raise NoInvoiceError(_first_line(error)) from error
    return found


def draft_of(data: bytes) -> Draft:
    """Make the draft of an invoice's document."""
    invoice = parse(data)
    seller, buyer, ship_to = (invoice.get(each) for each in ("BG-4", "BG-7", "BG-13"))
    draft = Draft(
        "credit" if str(invoice.get("BT-3")) in CREDIT_NOTES else "invoice",
        number=_text(invoice.get("BT-1"), 70),
        date=_day(invoice.get("BT-2")),
        delivery_date=_day(invoice.get("BT-72")),
        currency=_text(invoice.get("BT-5"), 3),
        order_ref=_text(invoice.get("BT-13"), 70),
        buyer=_party(buyer),
        supplier=_party(seller),
        ship_to=_party(ship_to),
        total=_amount(invoice.get("BT-112"), 2),
    )
    for position, line in enumerate(invoice.get("BG-25") or [], start=1):
        draft.lines.append(_line(position, line))
    return draft


def _line(position: int, line: dict[str, Any]) -> Line:
    article = line.get("BT-157")
    gtin = next(iter(article.values()), "") if isinstance(article, dict) else article
    return Line(
        position,
        gtin=_text(gtin, 35),
        buyer_ref=_text(line.get("BT-156"), 80),
        supplier_ref=_text(line.get("BT-155"), 80),
        label=_text(line.get("BT-153"), 500),
        quantity=_amount(line.get("BT-129"), 4),
        unit=_text(line.get("BT-130"), 8),
        price=_amount(line.get("BT-146"), 6),
        price_per=_amount(line.get("BT-149"), 3) or Decimal(1),
        net=_amount(line.get("BT-131"), 2),
    )


def _attached(pdf: bytes) -> bytes:
    """Take the invoice out of a PDF."""
    from facturx import get_flavor
    from pypdf import PdfReader, apply_configuration

    try:
        with apply_configuration(zlib_maximum_output_length=MAX_UNPACKED):
            for attachment in PdfReader(BytesIO(pdf)).attachment_list:
                if attachment.name.lower().endswith(".xml") and attachment.content:
                    xml = bytes(attachment.content)
                    if get_flavor(_safe_tree(xml)) == "factur-x":
                        return xml
    except UnsafeXmlError:
        raise
    except Exception as error:  # pypdf and factur-x raise all sorts of things
        raise NoInvoiceError(_first_line(error)) from error
    raise NoInvoiceError("no XML is attached to the PDF")


def _safe_tree(xml: bytes) -> Any:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    if len(xml) > MAX_BYTES:
        raise NoInvoiceError(f"> {MAX_BYTES} bytes")
    try:
        tree = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if b"<!DOCTYPE" in xml[:100_000] or b"<!ENTITY" in xml[:100_000]:
            raise UnsafeXmlError from error
        raise NoInvoiceError(_first_line(error)) from error
    docinfo = tree.getroottree().docinfo
    if docinfo.doctype or docinfo.internalDTD is not None:
        raise UnsafeXmlError
    return tree


def _identity(party: Any) -> tuple[str, str]:
    """Give a party's number and what kind of number it is; its name when there is none."""
    facts = party if isinstance(party, dict) else {}
    for field, qualifier in _NUMBERS:
        if value := _text(facts.get(field), 35):
            return value, qualifier
    numbers = facts.get("identifiers")
    if isinstance(numbers, dict) and numbers:
        return _text(next(iter(numbers.values())), 35), "ID"
    return _text(facts.get("name"), 35), ""


def _party(party: Any) -> Party:
    facts = party if isinstance(party, dict) else {}
    return Party(_identity(facts)[0] if facts else "", _text(facts.get("name"), 200))


def _text(value: Any, length: int) -> str:
    clean: str = storable(str(value or "").strip())
    return clean[:length]


def _day(value: Any) -> date | None:
    return value if isinstance(value, date) else None


def _midnight(day: date) -> Any:
    from datetime import datetime, time

    return timezone.make_aware(datetime.combine(day, time()))


def _amount(value: Any, places: int) -> Decimal | None:
    if value in (None, "", False):
        return None
    try:
        return number(str(value), 18, places)
    except TooPrecise as error:
        raise NoInvoiceError(f"{str(value)[:40]} has too many digits") from error


def _first_line(error: Exception) -> str:
    return _text(str(error).splitlines()[0] if str(error) else type(error).__name__, 200)


def _note(file: EdiFile, kind: Kind, found: str) -> None:
    EdiFault.objects.create(
        file=file, kind=kind, level=Level.FILE, code="13", params={"found": found}
    )
