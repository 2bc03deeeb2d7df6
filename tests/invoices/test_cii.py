"""Invoices as data: valid by the schema, by EN 16931, and by the French rules on top of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.utils import translation
from lxml import etree

from apps.invoices import cii, seeding
from apps.invoices.credit import draft_credit_note
from apps.invoices.demo_data import generate
from apps.invoices.errors import InvalidDocumentError
from apps.invoices.models import Customer, Invoice
from apps.invoices.validation import validate
from tests.invoices.factories import make_customer, make_invoice
from tests.invoices.schematron import broken_rules

pytestmark = pytest.mark.django_db

#: Four rates, fractions, a price of four decimals, and words that XML has to escape.
LINES = (("2", "50", "20"), ("1.5", "10.1234", "5.5"), ("3", "1.29", "0"), ("7", "9.99", "2.1"))
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


def some_invoice(**facts: Any) -> Invoice:
    buyer = make_customer(
        name="Aubry & <Frères>", siren="732829320", vat_number="FR44732829320", country="FR"
    )
    return make_invoice(buyer, lines=LINES, order_ref="BC-4711", **facts)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_invoice_breaks_no_rule(language: str) -> None:
    with translation.override(language):
        assert broken_rules(cii.render(some_invoice())) == []


def test_a_credit_note_breaks_no_rule_and_names_its_invoice() -> None:
    invoice = some_invoice()
    note = validate(draft_credit_note(invoice, today=date(2026, 4, 1)).pk)

    xml = cii.render(note)

    assert broken_rules(xml) == []
    (reference,) = etree.fromstring(xml).iter(f"{RAM}InvoiceReferencedDocument")
    assert [text for text in reference.itertext() if text.strip()] == ["F2026-00001", "20260302"]
    # It asks for no payment.
    assert b"IBANID" in cii.render(invoice)
    assert b"IBANID" not in xml


@pytest.mark.parametrize("missing", ["siren", "vat_number", "order_ref", "iban"])
def test_what_an_invoice_may_lack_breaks_no_rule(missing: str) -> None:
    invoice = some_invoice()
    for facts in (invoice.buyer_snapshot, invoice.seller_snapshot):
        if facts is invoice.buyer_snapshot or missing == "iban":
            facts.pop(missing, None)
    invoice.order_ref = "" if missing == "order_ref" else invoice.order_ref

    assert broken_rules(cii.render(invoice)) == []


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"total_gross": "300.00"}, "BR-CO-15"),
        ({"total_vat": "0.10"}, "BR-CO-14"),
        ({"operation_category": "X9"}, "BR-FR-08"),
    ],
)
def test_the_rules_would_catch_what_is_wrong(wrong: dict[str, str], rule: str) -> None:
    invoice = some_invoice()
    for name, value in wrong.items():
        setattr(invoice, name, value)

    assert any(rule in broken for broken in broken_rules(cii.render(invoice)))


def test_a_wrong_rate_would_be_caught() -> None:
    xml = cii.render(some_invoice()).replace(b">5.50<", b">5.40<")

    assert any("BR-FR-16" in broken for broken in broken_rules(xml))


def test_a_sample_of_the_demo_breaks_no_rule() -> None:
    seeding.write(generate(date(2026, 11, 28), size="sample"))
    invoices = Invoice.objects.prefetch_related("lines").select_related("corrects")
    assert invoices.count() == 200

    broken = {str(each): broken_rules(cii.render(each)) for each in invoices}

    assert {number: rules for number, rules in broken.items() if rules} == {}


def test_what_is_no_valid_document_is_refused_with_the_place() -> None:
    invoice = some_invoice()
    line = invoice.lines.all()[0]
    line.unit = ""
    invoice._prefetched_objects_cache = {"lines": [line]}  # type: ignore[attr-defined]

    with pytest.raises(InvalidDocumentError, match=r"F2026-00001 .*BT-130"):
        cii.render(invoice)


def test_the_parties_are_those_of_the_day_of_validation() -> None:
    invoice = some_invoice()
    before = cii.render(invoice)

    Customer.objects.update(name="Somebody else")

    assert cii.render(Invoice.objects.get(pk=invoice.pk)) == before
