"""GET /invoices/mailbox/… : what the development mail server has taken."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from apps.core.testing import RecordingTracker
from apps.invoices import pdf
from apps.invoices.actors import send_invoices
from apps.invoices.maildir import MailDirectory
from apps.invoices.models import Invoice
from tests.invoices.conftest import RunningSink
from tests.invoices.factories import make_customer, make_invoice, make_mailing

pytestmark = pytest.mark.django_db

LIST = reverse("invoices:mailbox")


@pytest.fixture
def mailbox(sink: RunningSink, tmp_path: Path, settings: Settings) -> MailDirectory:
    """Three real mails, written by the job and taken by the mail server."""
    settings.HERON_MAILBOX_DIR = str(tmp_path / "mailbox")
    invoices = [
        make_invoice(make_customer(email=f"{n}@client.example", language="en")) for n in range(3)
    ]
    send_invoices.fn(RecordingTracker(), make_mailing(*invoices).pk)
    return sink.directory


def test_it_lists_the_newest_first(as_staff: Client, mailbox: MailDirectory) -> None:
    page = as_staff.get(LIST)

    assert [mail.recipient for mail in page.context["mails"]] == [
        "2@client.example",
        "1@client.example",
        "0@client.example",
    ]


def test_a_mail_is_dated_in_the_readers_time(as_staff: Client, mailbox: MailDirectory) -> None:
    before = timezone.now() - timedelta(minutes=5)

    page = as_staff.get(LIST)

    # A naive time would be shown as if UTC were the time here.
    assert all(before < mail.date < timezone.now() for mail in page.context["mails"])


def test_it_shows_a_mail_with_its_text(as_staff: Client, mailbox: MailDirectory) -> None:
    page = as_staff.get(reverse("invoices:mail", args=[mailbox.names()[-1]]))

    text = page.content.decode()
    assert "Please find attached invoice F2026-00001" in text
    assert "F2026-00001.pdf" in text
    assert "comptabilite@heron.example" in text


def test_an_attachment_is_the_very_document(as_staff: Client, mailbox: MailDirectory) -> None:
    answer = as_staff.get(reverse("invoices:mail_attachment", args=[mailbox.names()[-1], 0]))

    assert b"".join(answer) == pdf.render(Invoice.objects.get(number="F2026-00001"))
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="F2026-00001.pdf"'


@pytest.mark.parametrize("key", ["nothing", "..", ".", "%2e%2e", "new", "1.M1P1Q1.host:2,S"])
def test_a_key_that_names_no_mail_is_not_found(
    as_staff: Client, mailbox: MailDirectory, key: str
) -> None:
    assert as_staff.get(f"{LIST}{key}/").status_code == 404


def test_an_attachment_that_is_not_there_is_not_found(
    as_staff: Client, mailbox: MailDirectory
) -> None:
    url = reverse("invoices:mail_attachment", args=[mailbox.names()[0], 1])

    assert as_staff.get(url).status_code == 404


def test_a_mailbox_that_nobody_has_written_to_is_empty(
    as_staff: Client, tmp_path: Path, settings: Settings
) -> None:
    settings.HERON_MAILBOX_DIR = str(tmp_path / "not yet")

    page = as_staff.get(LIST)

    assert (page.status_code, page.context["mails"]) == (200, [])


def test_where_there_is_no_mailbox_there_is_no_page(as_staff: Client, settings: Settings) -> None:
    settings.HERON_MAILBOX_DIR = ""

    assert as_staff.get(LIST).status_code == 404


def test_it_is_for_staff(as_alice: Client, mailbox: MailDirectory) -> None:
    key = mailbox.names()[0]

    for url in (
        LIST,
        reverse("invoices:mail", args=[key]),
        reverse("invoices:mail_attachment", args=[key, 0]),
    ):
        assert as_alice.get(url).status_code == 403


def test_it_only_answers_reading(as_staff: Client, mailbox: MailDirectory) -> None:
    assert as_staff.post(LIST).status_code == 405


def test_an_anonymous_reader_is_asked_to_log_in(client: Client, mailbox: MailDirectory) -> None:
    assert client.get(LIST).headers["Location"].startswith(reverse("login"))
