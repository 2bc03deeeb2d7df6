"""GET /invoices/<pk>/pdf/"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.invoices import pdf
from apps.invoices.models import Invoice
from tests.invoices.factories import make_draft, make_invoice

pytestmark = pytest.mark.django_db


def url(invoice: Invoice) -> str:
    return reverse("invoices:pdf", args=[invoice.pk])


def test_it_gives_the_document_under_its_number(as_alice: Client) -> None:
    invoice = make_invoice()

    answer = as_alice.get(url(invoice))

    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="F2026-00001.pdf"'
    assert answer.content == pdf.render(invoice)


def test_a_draft_has_none(as_alice: Client) -> None:
    assert as_alice.get(url(make_draft())).status_code == 404


def test_a_missing_invoice_is_not_found(as_alice: Client) -> None:
    assert as_alice.get(reverse("invoices:pdf", args=[4711])).status_code == 404


def test_it_only_answers_reading(as_alice: Client) -> None:
    assert as_alice.post(url(make_invoice())).status_code == 405


def test_an_anonymous_reader_is_asked_to_log_in(client: Client) -> None:
    assert client.get(url(make_invoice())).headers["Location"].startswith(reverse("login"))
