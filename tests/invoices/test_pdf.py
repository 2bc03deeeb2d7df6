"""The PDF, read back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import facturx
import pytest
from django.utils import translation
from pypdf import PdfReader

from apps.invoices import cii, pdf
from apps.invoices.models import Customer, Invoice, InvoiceKind
from apps.invoices.pdf import hybrid
from tests.invoices.factories import make_customer, make_invoice

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]


def read(invoice: Invoice) -> PdfReader:
    return PdfReader(BytesIO(pdf.render(invoice)))


def text_of(invoice: Invoice) -> str:
    """Return the text with every white space as one blank."""
    pages = [page.extract_text() for page in read(invoice).pages]
    return re.sub(r"\s+", " ", " ".join(pages))


def test_it_shows_number_parties_and_totals_per_rate() -> None:
    invoice = make_invoice(
        make_customer(name="Menuiserie Aubry", vat_number="FR83404833048"),
        lines=(("2", "50", "20"), ("3", "10", "5.5")),
        order_ref="BC-4711",
    )

    text = text_of(invoice)

    for fact in (
        "F2026-00001",
        "02/03/2026",
        "BC-4711",
        "Comptoir du Héron",
        "Menuiserie Aubry",
        "FR83404833048",
        "20 %",
        "5,5 %",
        "1,65 €",
        "130,00 €",
        "151,65 €",
        "FR76 3000 6000 0112 3456 7890 189",
    ):
        assert fact in text


def test_the_mentions_that_the_law_asks_for_are_there() -> None:
    text = text_of(make_invoice())

    for mention in ("40 €", "SIRET 48481124500014", "RCS Nantes", "FR33484811245"):
        assert mention in text


@pytest.mark.parametrize(
    ("language", "title"), [("fr", "Facture F2026-00001"), ("en", "Invoice F2026-00001")]
)
def test_it_is_in_the_language_of_the_customer(language: str, title: str) -> None:
    invoice = make_invoice(make_customer(language=language))

    assert read(invoice).metadata.title == title  # type: ignore[union-attr]


def test_a_credit_note_says_so() -> None:
    invoice = make_invoice(make_customer(language="en"), kind=InvoiceKind.CREDIT_NOTE)

    text = text_of(invoice)

    assert "Credit note" in text
    assert "A2026-00001" in text


def test_a_credit_note_asks_for_no_money() -> None:
    text = text_of(make_invoice(kind=InvoiceKind.CREDIT_NOTE))

    assert "Émis le 02/03/2026" in text
    assert "Net à votre crédit 120,00 €" in text
    for asked in ("Net à payer", "Échéance", "virement", "IBAN"):
        assert asked not in text


@pytest.mark.parametrize(
    ("category", "said"), [("B1", "biens."), ("S1", "services."), ("M1", "biens et services.")]
)
def test_what_is_sold_is_said(category: str, said: str) -> None:
    invoice = make_invoice(operation_category=category)

    assert f"Catégorie d’opérations : {said}" in text_of(invoice)


def test_the_same_invoice_gives_the_same_bytes() -> None:
    invoice = make_invoice()
    before = pdf.render(invoice)

    Customer.objects.update(name="Somebody else", language="en")

    assert pdf.render(Invoice.objects.get(pk=invoice.pk)) == before


@pytest.mark.parametrize(
    "name", ["A & B <Frères>", "<b>Gras</b>", "</para>", "&eacute;", "Ω Łódź “quoted”"]
)
def test_names_that_look_like_markup_are_printed_as_they_are(name: str) -> None:
    assert name in text_of(make_invoice(make_customer(name=name)))


def test_a_long_invoice_goes_over_several_pages_with_numbered_feet() -> None:
    invoice = make_invoice(lines=(("1", "10", "20"),) * 120)

    pages = read(invoice).pages

    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert f"{number} / {len(pages)}" in page.extract_text()


def test_every_font_is_embedded() -> None:
    reader = read(make_invoice())

    fonts: dict[str, Any] = reader.pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    for font in fonts.values():
        assert "/FontFile2" in font["/FontDescriptor"]


def test_the_data_travel_inside_as_factur_x() -> None:
    invoice = make_invoice()

    name, xml = facturx.get_facturx_xml_from_pdf(pdf.render(invoice))

    assert name == "factur-x.xml"
    with translation.override("fr"):
        assert xml == cii.render(invoice)


def test_it_has_what_a_pdf_a_3_needs() -> None:
    content = pdf.render(make_invoice())
    root: Any = PdfReader(BytesIO(content)).trailer["/Root"]

    (file,) = root["/AF"]
    (intent,) = root["/OutputIntents"]
    xmp = root["/Metadata"].get_data().decode()
    assert file.get_object()["/AFRelationship"] == "/Data"
    assert file.get_object()["/EF"]["/F"]["/Subtype"] == "/text/xml"
    assert intent.get_object()["/DestOutputProfile"].get_data()[36:40] == b"acsp"
    assert "/Filter" not in root["/Metadata"]
    for fact in ("<pdfaid:part>3<", "<pdfaid:conformance>B<", "<fx:ConformanceLevel>EN 16931<"):
        assert fact in xmp
    # Binary in the first comment, and an end of line before each stream's end.
    assert content[9:10] == b"%"
    assert max(content[9:15]) > 127
    assert re.search(rb"[^\r\n]endstream", content) is None
    assert b"/ID" in content


def test_what_the_file_says_of_itself_is_the_same_in_both_places() -> None:
    reader = read(make_invoice())
    root: Any = reader.trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()

    told = reader.metadata
    assert told is not None
    for fact in (told.title, told.author, told.subject, told.creator, told.producer):
        assert fact
        assert fact in xmp
    assert told.creation_date is not None
    assert f"{told.creation_date:%Y-%m-%d}T00:00:00+00:00" in xmp


def test_the_bytes_do_not_depend_on_the_process_or_the_time(tmp_path: Path) -> None:
    invoice = make_invoice()
    script = tmp_path / "colours.py"
    script.write_text(
        "import django, hashlib\n"
        "django.setup()\n"
        "from apps.invoices.pdf import hybrid\n"
        "print(hashlib.sha256(hybrid._srgb()).hexdigest())\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}

    other = subprocess.run(
        [sys.executable, str(script)], env=env, capture_output=True, text=True, check=True
    )

    assert other.stdout.strip() == sha256(hybrid._srgb()).hexdigest()
    assert pdf.render(invoice) == pdf.render(Invoice.objects.get(pk=invoice.pk))
