"""Sending one delivery at a time, with a mail server that does as it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend as MemoryBackend
from django.core.mail.backends.smtp import EmailBackend as SMTPBackend
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from apps.core.errors import ItemFailed, ItemInDoubt, ItemPutOff, ItemSkipped, JobPutOff
from apps.core.statuses import Status
from apps.invoices import letters, mailing, sending
from apps.invoices.errors import (
    Deferred,
    InDoubt,
    LoginRefused,
    MailerError,
    Refused,
    SenderRefused,
    Unreachable,
)
from apps.invoices.gate import Gate
from apps.invoices.mailer import Mailer
from apps.invoices.models import (
    Company,
    Customer,
    Delivery,
    DeliveryStatus,
    EmailState,
    Invoice,
    MailAccount,
    MailingMode,
)
from tests.invoices.factories import (
    give_job,
    make_delivery,
    make_invoice,
    make_invoice_to,
    make_mailing,
)

pytestmark = pytest.mark.django_db

ALL = Invoice.objects.all


class Scripted(Mailer):
    """Ends each mail as it is told, and counts the tries."""

    def __init__(self, *outcomes: Exception | str) -> None:
        super().__init__(MemoryBackend())
        self.outcomes = list(outcomes)
        self.tried: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> str:
        self.tried.append(message)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def make_sender(mailer: Mailer) -> sending.Sender:
    """Make one that writes outcomes at once: no job waits to be settled."""
    return sending.Sender(mailer, Gate(mailer.account), Company.load(), lambda write: write())


def send(delivery: Delivery, mailer: Mailer) -> None:
    """Send a delivery as the job does."""
    sender = make_sender(mailer)
    sender.send(delivery, sender.write(delivery))


def status_of(delivery: Delivery) -> str:
    return Delivery.objects.get(pk=delivery.pk).status


def test_an_accepted_mail_is_written_down_and_never_sent_again() -> None:
    delivery = make_delivery()
    mailer = Scripted("2.0.0 queued")

    send(delivery, mailer)
    send(delivery, mailer)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.smtp_code, delivery.smtp_text) == (
        DeliveryStatus.ACCEPTED,
        250,
        "2.0.0 queued",
    )
    assert delivery.finished_at is not None
    assert len(mailer.tried) == 1


@pytest.mark.parametrize(
    ("error", "status", "outcome", "code"),
    [
        (Refused("no such user", code=550), DeliveryStatus.REFUSED, ItemFailed, "refused"),
        (Deferred("try later", code=451), DeliveryStatus.PENDING, ItemPutOff, "deferred"),
        (InDoubt("closed"), DeliveryStatus.UNKNOWN, ItemInDoubt, "no_answer"),
    ],
)
def test_a_mail_that_was_not_accepted_says_why(
    error: MailerError, status: str, outcome: type[ItemFailed], code: str
) -> None:
    delivery = make_delivery()

    with pytest.raises(outcome) as ended:
        send(delivery, Scripted(error))

    delivery.refresh_from_db()
    assert ended.value.code == code
    assert (delivery.status, delivery.smtp_text) == (status, error.text)


def test_an_address_that_is_none_fails_without_a_connection() -> None:
    delivery = make_delivery(make_invoice_to("comptabilite(at)lefort.example"))
    mailer = Scripted()

    with pytest.raises(ItemFailed, match=r"comptabilite\(at\)lefort.example") as failed:
        send(delivery, mailer)

    assert failed.value.code == "bad_address"
    assert status_of(delivery) == DeliveryStatus.REFUSED
    assert mailer.tried == []


def test_a_customer_without_an_address_is_skipped() -> None:
    delivery = make_mailing(make_invoice(), nobody := make_invoice_to("")).deliveries.get(
        invoice__customer__email=""
    )

    with pytest.raises(ItemSkipped) as skipped:
        send(delivery, Scripted())

    assert skipped.value.code == "no_address"
    assert (delivery.invoice, status_of(delivery)) == (nobody, DeliveryStatus.SKIPPED)


def test_a_refused_recipient_is_remembered_until_a_mail_is_accepted() -> None:
    delivery = make_delivery()
    refusal = Refused("no such user", code=550, command="RCPT")
    mailer = Scripted(refusal, "OK")

    with pytest.raises(ItemFailed):
        send(delivery, mailer)
    refused = Customer.objects.get()
    send(Delivery.objects.get(), mailer)

    assert (refused.email_state, refused.email_state_reason) == (
        EmailState.REFUSED,
        "550 no such user",
    )
    assert Customer.objects.get().email_state == EmailState.OK


def test_a_second_try_goes_to_the_corrected_address() -> None:
    delivery = make_delivery(make_invoice_to("wrong@client.example"))
    mailer = Scripted(Refused("no such user", code=550), "OK")
    with pytest.raises(ItemFailed):
        send(delivery, mailer)

    Customer.objects.update(email="right@client.example")
    send(Delivery.objects.get(), mailer)

    assert [mail.to for mail in mailer.tried] == [
        ["wrong@client.example"],
        ["right@client.example"],
    ]
    # Another mail, to whoever compares ids.
    first, second = (mail.extra_headers["Message-ID"] for mail in mailer.tried)
    assert first != second == Delivery.objects.get().message_id


@pytest.mark.parametrize("status", [DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN])
def test_a_mail_that_may_have_left_is_not_repeated(status: str) -> None:
    delivery = make_delivery()
    Delivery.objects.update(status=status)
    mailer = Scripted()

    with pytest.raises(ItemInDoubt):
        send(delivery, mailer)

    assert status_of(delivery) == DeliveryStatus.UNKNOWN
    assert mailer.tried == []


def test_an_invoice_that_another_mailing_took_over_is_skipped(alice: User) -> None:
    old = make_delivery()
    give_job(old.mailing, Status.CANCELLED)
    mailing.prepare(alice, ALL())

    with pytest.raises(ItemSkipped) as skipped:
        send(Delivery.objects.get(pk=old.pk), Scripted())

    assert skipped.value.code == "under_way"
    assert status_of(old) == DeliveryStatus.CANCELLED


def test_a_letter_that_cannot_be_written_fails_before_anything_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> EmailMessage:
        raise RuntimeError("no ink")

    monkeypatch.setattr(letters, "compose", broken)
    delivery = make_delivery()

    with pytest.raises(ItemFailed, match="no ink"):
        send(delivery, Scripted())

    assert status_of(delivery) == DeliveryStatus.FAILED


def test_a_mail_that_smtp_has_no_words_for_has_failed_and_is_not_in_doubt() -> None:
    class Torn(Mailer):
        def send(self, message: EmailMessage) -> str:
            message.extra_headers["X-Torn"] = "one\ntwo"
            return super().send(message)

    delivery = make_delivery()

    # Nobody listens there, and nobody is asked.
    with pytest.raises(ItemFailed, match="could not be written") as failed:
        send(delivery, Torn(SMTPBackend(host="127.0.0.1", port=9)))

    assert failed.value.code == "not_written"
    assert status_of(delivery) == DeliveryStatus.FAILED


def test_an_error_that_nobody_foresaw_leaves_the_mail_in_doubt() -> None:
    delivery = make_delivery()

    with pytest.raises(ZeroDivisionError):
        send(delivery, Scripted(ZeroDivisionError()))

    assert status_of(delivery) == DeliveryStatus.UNKNOWN


def test_a_mail_that_is_put_off_waits_longer_each_time_and_fails_in_the_end(
    settings: Settings,
) -> None:
    settings.HERON_MAIL_RETRY_SECONDS = [60, 300]
    delivery = make_delivery()
    mailer = Scripted(*(Deferred("greylisted", code=451) for _ in range(3)))
    waits = []

    for _ in range(2):
        with pytest.raises(ItemPutOff) as put_off:
            send(delivery, mailer)
        waits.append(put_off.value.after_seconds)
        delivery.refresh_from_db()
        assert delivery.not_before is not None
        with pytest.raises(ItemPutOff, match="not yet time"):
            send(delivery, mailer)
        Delivery.objects.update(not_before=timezone.now() - timedelta(seconds=1))
        delivery.refresh_from_db()
    with pytest.raises(ItemFailed, match="greylisted"):
        send(delivery, mailer)

    assert waits == [60, 300]
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, len(mailer.tried)) == (DeliveryStatus.FAILED, 3, 3)


@pytest.mark.parametrize(
    "error", [Unreachable("refused"), LoginRefused("no", code=535), SenderRefused("no", code=550)]
)
def test_a_server_that_takes_no_mail_at_all_puts_the_job_off_and_fails_nothing(
    error: Unreachable,
) -> None:
    delivery = make_delivery()
    before = Delivery.objects.values("status", "attempts", "claimed_at").get()

    with pytest.raises(JobPutOff) as put_off:
        send(delivery, Scripted(error))

    assert put_off.value.params == {"answer": str(error)}
    assert put_off.value.after_seconds > 0
    assert Delivery.objects.values("status", "attempts", "claimed_at").get() == before
    assert MailAccount.objects.get().failures == 1


def test_ten_mails_in_a_row_put_off_shut_the_gate(alice: User) -> None:
    deliveries = make_mailing(*(make_invoice() for _ in range(10))).deliveries.all()
    mailer = Scripted(*(Deferred("busy", code=450) for _ in range(10)))
    sender = make_sender(mailer)

    for delivery in deliveries:
        with pytest.raises(ItemPutOff):
            sender.send(delivery, sender.write(delivery))

    assert MailAccount.objects.get().answer == "450 busy"
    assert {delivery.status for delivery in deliveries.all()} == {DeliveryStatus.PENDING}


def test_in_a_dry_run_the_mail_is_made_and_not_sent(alice: User) -> None:
    invoice = make_invoice()
    found, _ = mailing.prepare(alice, ALL(), mode=MailingMode.DRY_RUN)
    mailer = Scripted()

    send(found.deliveries.get(), mailer)

    assert (status_of(found.deliveries.get()), mailer.tried) == (DeliveryStatus.CHECKED, [])
    # And it is in nobody's way.
    _, counts = mailing.prepare(alice, ALL())
    assert (invoice.pk, counts.to_send) == (Invoice.objects.get().pk, 1)


def test_redirected_mails_go_to_whoever_sends_and_say_for_whom_they_are(alice: User) -> None:
    alice.email = "alice@heron.example"
    make_invoice_to("compta@client.example")
    found, _ = mailing.prepare(alice, ALL(), mode=MailingMode.REDIRECT)
    mailer = Scripted(Refused("no", code=550, command="RCPT"))

    with pytest.raises(ItemFailed):
        send(found.deliveries.get(), mailer)

    (mail,) = mailer.tried
    assert (mail.to, mail.recipients()) == (["alice@heron.example"],) * 2
    assert mail.subject.startswith("[compta@client.example] Facture")
    assert mail.extra_headers["Message-ID"].startswith("<test-")
    # It says nothing about the customer's address.
    assert Customer.objects.get().email_state == EmailState.OK


def test_a_database_that_is_away_is_nothing_about_the_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: Any) -> EmailMessage:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(letters, "compose", away)
    delivery = make_delivery()

    with pytest.raises(OperationalError):
        send(delivery, Scripted())

    assert status_of(delivery) == DeliveryStatus.PENDING
