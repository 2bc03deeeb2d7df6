"""Supplier invoices in XML, and what is refused before it does harm."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from facturx import generate_xml
from pypdf import PdfWriter
from pypdf.generic import StreamObject
from reportlab.pdfgen.canvas import Canvas

from apps.edi.errors import NoInvoiceError, UnsafeXmlError
from apps.edi.models import Document, EdiFault, FileStatus
from apps.edi.xml_invoices import MAX_BYTES, parse
from tests.edi.factories import imported, make_file, make_partner

DATA: dict[str, Any] = {
    "BT-1": "F-77",
    "BT-2": "2026-01-05",
    "BT-3": "380",
    "BT-5": "EUR",
    "BT-9": "2026-02-05",
    "BT-13": "PO-9",
    "BT-24": "urn:cen.eu:en16931:2017",
    "BG-4": {
        "name": "Torréfaction & Fils",
        "vat_identifier": "FR33484811245",
        "country_code": "FR",
        "city": "Nantes",
        "postcode": "44000",
    },
    "BG-7": {"name": "Comptoir du Héron", "vat_identifier": "FR00123456782", "country_code": "FR"},
    "BT-72": "2026-01-05",
    "BT-106": "20.00",
    "BT-109": "20.00",
    "BT-110": "4.00",
    "BT-112": "24.00",
    "BT-115": "24.00",
    "BG-23": [
        {"BT-116": "20.00", "BT-117": "4.00", "BT-118": "S", "BT-119": "20.00"},
    ],
    "BG-25": [
        {
            "BT-126": "1",
            "BT-129": "2",
            "BT-130": "C62",
            "BT-131": "20.00",
            "BT-146": "10.00",
            "BT-151": "S",
            "BT-152": "20.00",
            "BT-153": "Café <moulu>",
            "BT-155": "V-1",
        },
    ],
}


def written(flavor: str, **changes: Any) -> bytes:
    data = {**DATA, **changes}
    found = generate_xml(data, flavor=flavor, level="autodetect", check_schematron=False)
    return bytes(found[0] if isinstance(found, tuple) else found)


def pdf(xml: bytes) -> bytes:
    """Attach XML to a PDF as it is: factur-x itself would refuse what these tests attach."""
    paper = BytesIO()
    canvas = Canvas(paper)
    canvas.drawString(50, 700, "F-77")
    canvas.save()
    writer = PdfWriter(clone_from=BytesIO(paper.getvalue()))
    writer.add_attachment("factur-x.xml", xml)
    objects = writer._objects  # there is no public way to pack an attachment
    for place, each in enumerate(objects):
        if isinstance(each, StreamObject) and each.get("/Type") == "/EmbeddedFile":
            objects[place] = each.flate_encode()
    found = BytesIO()
    writer.write(found)
    return found.getvalue()


def make_supplier() -> None:
    make_partner("FR33484811245", "VAT", name="Torréfaction")


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["factur-x", "ubl-2.1", "pdf"])
def test_an_invoice_is_a_document_whatever_its_form(form: str) -> None:
    make_supplier()
    data = pdf(written("factur-x")) if form == "pdf" else written(form)

    file = make_file(data, name=f"invoice.{form}")
    imported(file)

    document = Document.objects.get()
    assert (document.kind, document.number, document.order_ref) == ("invoice", "F-77", "PO-9")
    assert (document.total, document.currency) == (Decimal("24.00"), "EUR")
    assert document.supplier_name == "Torréfaction & Fils"
    line = document.lines.get()
    assert (line.label, line.quantity, line.net) == ("Café <moulu>", Decimal(2), Decimal("20.00"))
    assert file.status == FileStatus.IMPORTED


@pytest.mark.django_db
def test_an_unknown_supplier_waits_for_a_person() -> None:
    file = make_file(written("factur-x"), name="invoice.xml")

    imported(file)

    assert file.status == FileStatus.QUARANTINED


@pytest.mark.django_db
def test_a_credit_note_is_one() -> None:
    make_supplier()

    imported(make_file(written("factur-x", **{"BT-3": "381"}), name="credit.xml"))

    assert Document.objects.get().kind == "credit"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
]><Invoice>&c;</Invoice>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<Invoice>&f;</Invoice>"""


@pytest.mark.parametrize("xml", [BOMB, OUTSIDE, BOMB.decode().encode("utf-16")])
def test_entities_are_refused(xml: bytes) -> None:
    with pytest.raises((UnsafeXmlError, NoInvoiceError)):
        parse(xml)


def test_entities_in_a_pdf_are_refused() -> None:
    invoice = written("factur-x")
    head, body = invoice.split(b"\n", 1)
    bomb = head + b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + body

    with pytest.raises(UnsafeXmlError):
        parse(pdf(bomb))


def test_what_a_pdf_unpacks_to_is_bounded() -> None:
    bomb = pdf(written("factur-x")[:-40] + b" " * (MAX_BYTES * 3))
    assert len(bomb) < MAX_BYTES

    with pytest.raises(NoInvoiceError):
        parse(bomb)


@pytest.mark.parametrize(
    "data",
    [b"<a/>", b"<a", b"%PDF-1.4\n%%EOF", b"<Invoice/>", b"\xff\xfe<", b"x" * (MAX_BYTES + 1)],
)
def test_anything_else_is_no_invoice(data: bytes) -> None:
    with pytest.raises(NoInvoiceError):
        parse(data)


@pytest.mark.django_db
def test_the_reason_is_said_in_words() -> None:
    imported(make_file(OUTSIDE, name="x.xml"))

    assert (
        "entities" in EdiFault.objects.get().sentence or "entit" in EdiFault.objects.get().sentence
    )
