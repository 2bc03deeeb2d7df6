"""The PDF, read back."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from apps.invoices import pdf
from apps.invoices.models import Customer, Invoice, InvoiceKind
from tests.invoices.factories import make_customer, make_invoice

pytestmark = pytest.mark.django_db


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
