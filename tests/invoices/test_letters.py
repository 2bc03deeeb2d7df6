"""The letter around an invoice."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from apps.invoices import letters, wire
from apps.invoices.models import Company
from tests.invoices.factories import (
    make_company,
    make_customer,
    make_delivery,
    make_invoice,
    make_mailing,
)

pytestmark = pytest.mark.django_db


def test_the_letter_is_in_the_language_of_the_customer(alice: User) -> None:
    delivery = make_delivery(make_invoice(make_customer(language="en", name="Aubry\nBcc: x@y.z")))

    message = letters.compose(delivery, Company.load())

    assert message.subject == "Invoice F2026-00001 from Comptoir du Héron"
    assert "for €120.00" in message.body or "for 120.00 €" in message.body.replace("\xa0", " ")
    assert message.reply_to == ["comptabilite@heron.example"]
    assert message.extra_headers["Message-ID"] == delivery.message_id
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    ((name, content, kind),) = message.attachments
    assert (name, kind) == ("F2026-00001.pdf", "application/pdf")
    assert bytes(content).startswith(b"%PDF")


def test_a_sender_with_an_international_domain_is_written_as_mail_servers_know_it() -> None:
    company = make_company()
    company.from_email = company.reply_to = "compta@société.example"
    company.save()

    delivery = make_delivery()
    message = letters.compose(delivery, Company.load())

    assert message.from_email.endswith("<compta@xn--socit-esab.example>")
    assert delivery.message_id.endswith("@xn--socit-esab.example>")
    assert wire.envelope(message)[0] == "compta@xn--socit-esab.example"
    assert wire.serialize(message).partition(b"\r\n\r\n")[0].isascii()


def test_the_standard_letter_is_in_french_for_a_french_customer() -> None:
    delivery = make_delivery()

    message = letters.compose(delivery, Company.load())

    assert message.subject == "Facture F2026-00001 de Comptoir du Héron"


def test_an_own_letter_may_mention_the_facts_and_other_braces() -> None:
    invoice = make_invoice(make_customer(name="Garage\nBcc: a@b.example"))
    delivery = make_mailing(
        invoice, subject="{number} for {customer}", body="{total} {} {"
    ).deliveries.get()

    message = letters.compose(delivery, Company.load())

    assert message.subject == "F2026-00001 for Garage Bcc: a@b.example"
    assert message.body == "120,00\xa0€ {} {"
