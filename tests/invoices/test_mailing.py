"""Freezing a selection, and sending one delivery at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend as MemoryBackend
from django.db import DatabaseError

from apps.core.errors import ItemFailed, ItemInDoubt, ItemSkipped
from apps.core.statuses import Status
from apps.invoices import letters, mailing, preflight
from apps.invoices.errors import (
    Deferred,
    InDoubt,
    MailerError,
    NothingToSendError,
    Refused,
    UnknownPlaceholderError,
    Unreachable,
)
from apps.invoices.mailer import Mailer
from apps.invoices.models import (
    Company,
    Customer,
    Delivery,
    DeliveryStatus,
    EmailState,
    Invoice,
    Mailing,
)
from tests.invoices.factories import (
    give_job,
    make_customer,
    make_delivery,
    make_draft,
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


def status_of(delivery: Delivery) -> str:
    return Delivery.objects.get(pk=delivery.pk).status


def test_a_selection_is_frozen_with_an_id_for_every_mail(alice: User) -> None:
    invoice = make_invoice_to("compta@client.example")

    found, counts = mailing.prepare(alice, ALL())

    delivery = found.deliveries.get()
    assert delivery.recipient == "compta@client.example"
    assert delivery.message_id == f"<inv-{invoice.uuid}.1@heron.example>"
    assert counts == preflight.Preflight(to_send=1)


def test_the_preflight_tells_what_cannot_be_sent_and_why(alice: User) -> None:
    make_draft()
    make_invoice()
    make_invoice_to("")
    sent, doubtful, waiting = (make_delivery() for _ in range(3))
    Delivery.objects.filter(pk=sent.pk).update(status=DeliveryStatus.ACCEPTED)
    Delivery.objects.filter(pk=doubtful.pk).update(status=DeliveryStatus.UNKNOWN)

    _, counts = mailing.prepare(alice, ALL())

    assert waiting.status == DeliveryStatus.PENDING
    assert counts == preflight.Preflight(
        to_send=1, without_address=1, already_sent=1, under_way=1, in_doubt=1, drafts=1
    )
    assert len(counts.sentences()) == 5


def test_the_same_selection_again_sends_nothing(alice: User) -> None:
    make_invoice()
    mailing.prepare(alice, ALL())

    with pytest.raises(NothingToSendError) as nothing:
        mailing.prepare(alice, ALL())

    assert nothing.value.preflight == preflight.Preflight(under_way=1)
    assert (Mailing.objects.count(), Delivery.objects.count()) == (1, 1)


def test_a_faster_mailing_of_the_same_invoice_wins(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, mine = make_invoice(), make_invoice()
    look = preflight.candidates

    def look_then_lose(*args: Any) -> Iterator[preflight.Candidate]:
        found = list(look(*args))
        monkeypatch.setattr(preflight, "candidates", look)
        make_mailing(both, by=bob)
        return iter(found)

    monkeypatch.setattr(preflight, "candidates", look_then_lose)
    late, counts = mailing.prepare(alice, ALL())

    assert [delivery.invoice for delivery in late.deliveries.all()] == [mine]
    assert counts == preflight.Preflight(to_send=1, under_way=1)


def test_an_invoice_that_was_refused_can_be_sent_anew_under_another_id(alice: User) -> None:
    first = make_delivery()
    Delivery.objects.filter(pk=first.pk).update(status=DeliveryStatus.REFUSED)

    again, _ = mailing.prepare(alice, ALL())

    second = again.deliveries.get()
    assert second.generation == 2
    assert second.message_id == first.message_id.replace(".1@", ".2@")


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.FAILED, Status.EXPIRED])
def test_what_an_ended_job_left_waiting_can_be_sent(alice: User, status: str) -> None:
    left = make_delivery()
    give_job(left.mailing, status)

    _, counts = mailing.prepare(alice, ALL())

    assert counts.to_send == 1
    assert status_of(left) == DeliveryStatus.CANCELLED


def test_what_a_job_under_way_has_waiting_cannot_be_sent(alice: User) -> None:
    give_job(make_delivery().mailing, Status.RUNNING)

    with pytest.raises(NothingToSendError):
        mailing.prepare(alice, ALL())


def test_an_unknown_placeholder_is_refused_before_anything_is_kept(alice: User) -> None:
    make_invoice()

    with pytest.raises(UnknownPlaceholderError, match=r"\{amount\}.*\{total\}"):
        mailing.prepare(alice, ALL(), body="You owe {amount}")

    assert not Mailing.objects.exists()


def test_an_accepted_mail_is_written_down_and_never_sent_again() -> None:
    delivery = make_delivery()
    mailer = Scripted("2.0.0 queued")

    mailing.send(delivery, mailer)
    mailing.send(delivery, mailer)

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
        (Deferred("try later", code=451), DeliveryStatus.FAILED, ItemFailed, "deferred"),
        (Unreachable("refused"), DeliveryStatus.FAILED, ItemFailed, "unreachable"),
        (InDoubt("closed"), DeliveryStatus.UNKNOWN, ItemInDoubt, "no_answer"),
    ],
)
def test_a_mail_that_was_not_accepted_says_why(
    error: MailerError, status: str, outcome: type[ItemFailed], code: str
) -> None:
    delivery = make_delivery()

    with pytest.raises(outcome) as ended:
        mailing.send(delivery, Scripted(error))

    delivery.refresh_from_db()
    assert ended.value.code == code
    assert (delivery.status, delivery.smtp_text) == (status, error.text)


def test_an_address_that_is_none_fails_without_a_connection() -> None:
    delivery = make_delivery(make_invoice_to("comptabilite(at)lefort.example"))
    mailer = Scripted()

    with pytest.raises(ItemFailed, match=r"comptabilite\(at\)lefort.example") as failed:
        mailing.send(delivery, mailer)

    assert failed.value.code == "bad_address"
    assert status_of(delivery) == DeliveryStatus.REFUSED
    assert mailer.tried == []


def test_a_customer_without_an_address_is_skipped() -> None:
    delivery = make_mailing(make_invoice(), nobody := make_invoice_to("")).deliveries.get(
        invoice__customer__email=""
    )

    with pytest.raises(ItemSkipped) as skipped:
        mailing.send(delivery, Scripted())

    assert skipped.value.code == "no_address"
    assert (delivery.invoice, status_of(delivery)) == (nobody, DeliveryStatus.SKIPPED)


def test_a_refused_recipient_is_remembered_until_a_mail_is_accepted() -> None:
    delivery = make_delivery()
    refusal = Refused("no such user", code=550, command="RCPT")
    mailer = Scripted(refusal, "OK")

    with pytest.raises(ItemFailed):
        mailing.send(delivery, mailer)
    refused = Customer.objects.get()
    mailing.send(Delivery.objects.get(), mailer)

    assert (refused.email_state, refused.email_state_reason) == (
        EmailState.REFUSED,
        "550 no such user",
    )
    assert Customer.objects.get().email_state == EmailState.OK


def test_a_second_try_goes_to_the_corrected_address() -> None:
    delivery = make_delivery(make_invoice_to("wrong@client.example"))
    mailer = Scripted(Refused("no such user", code=550), "OK")
    with pytest.raises(ItemFailed):
        mailing.send(delivery, mailer)

    Customer.objects.update(email="right@client.example")
    mailing.send(Delivery.objects.get(), mailer)

    assert [mail.to for mail in mailer.tried] == [
        ["wrong@client.example"],
        ["right@client.example"],
    ]
    assert mailer.tried[0].extra_headers == mailer.tried[1].extra_headers


@pytest.mark.parametrize("status", [DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN])
def test_a_mail_that_may_have_left_is_not_repeated(status: str) -> None:
    delivery = make_delivery()
    Delivery.objects.update(status=status)
    mailer = Scripted()

    with pytest.raises(ItemInDoubt):
        mailing.send(delivery, mailer)

    assert status_of(delivery) == DeliveryStatus.UNKNOWN
    assert mailer.tried == []


def test_an_invoice_that_another_mailing_took_over_is_skipped(alice: User) -> None:
    old = make_delivery()
    give_job(old.mailing, Status.CANCELLED)
    mailing.prepare(alice, ALL())

    with pytest.raises(ItemSkipped) as skipped:
        mailing.send(Delivery.objects.get(pk=old.pk), Scripted())

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
        mailing.send(delivery, Scripted())

    assert status_of(delivery) == DeliveryStatus.FAILED


def test_an_error_that_nobody_foresaw_leaves_the_mail_in_doubt() -> None:
    delivery = make_delivery()

    with pytest.raises(ZeroDivisionError):
        mailing.send(delivery, Scripted(ZeroDivisionError()))

    assert status_of(delivery) == DeliveryStatus.UNKNOWN


def test_an_acceptance_that_cannot_be_written_down_is_in_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(mailing, "_finish", full)

    with pytest.raises(ItemInDoubt):
        mailing.send(make_delivery(), Scripted("OK"))


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
