"""The job, as a plain function and through its books, against a real mail server."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.statuses import Status
from apps.core.testing import RecordingTracker
from apps.core.verbs import retry
from apps.invoices.actors import send_invoices
from apps.invoices.models import Customer, Delivery, DeliveryStatus, Mailing
from tests.invoices.conftest import RunningSink
from tests.invoices.factories import make_invoice_to, make_mailing

pytestmark = pytest.mark.django_db


def mailing_to(*addresses: str) -> Mailing:
    return make_mailing(*(make_invoice_to(address) for address in addresses))


def statuses() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("status", flat=True))


def test_a_refused_recipient_does_not_stop_the_batch(sink: RunningSink) -> None:
    mailing = mailing_to(
        "a@client.example",
        "5xx-550.compta@client.example",
        "comptabilite(at)lefort.example",
        "",
        "4xx-451@client.example",
        "drop-data@client.example",
        "b@client.example",
    )
    tracker = RecordingTracker()

    send_invoices.fn(tracker, mailing.pk)

    outcomes = [len(each) for each in (tracker.done, tracker.failed, tracker.skipped)]
    assert (tracker.total, outcomes, len(tracker.in_doubt)) == (7, [2, 3, 1], 1)
    assert [error.code for error in tracker.reasons.values()] == [
        "refused",
        "bad_address",
        "no_address",
        "deferred",
        "no_answer",
    ]
    assert sink.recipients == ["a@client.example", "drop-data@client.example", "b@client.example"]
    assert tracker.summary == "2 e-mails accepted by the mail server"
    assert tracker.links[0]["href"] == mailing.get_absolute_url()


def test_every_mail_carries_its_own_invoice_and_message_id(sink: RunningSink) -> None:
    mailing = mailing_to(*(f"{n}@client.example" for n in range(5)))

    send_invoices.fn(RecordingTracker(), mailing.pk)

    for mail, delivery in zip(sink.mails, mailing.deliveries.all(), strict=True):
        (attachment,) = mail.iter_attachments()
        assert mail["Message-ID"] == delivery.message_id
        assert attachment.get_filename() == f"{delivery.invoice.number}.pdf"
        assert attachment.get_content().startswith(b"%PDF")
    assert sink.connections == 1


def test_a_second_run_sends_only_what_was_not_accepted(sink: RunningSink) -> None:
    mailing = mailing_to("a@client.example", "b@client.example")
    first = mailing.deliveries.earliest("pk")
    Delivery.objects.filter(pk=first.pk).update(status=DeliveryStatus.ACCEPTED)
    tracker = RecordingTracker()

    send_invoices.fn(tracker, mailing.pk)

    assert len(tracker.done) == 2
    assert sink.recipients == ["b@client.example"]


def test_what_a_dead_attempt_was_sending_is_in_doubt(sink: RunningSink) -> None:
    mailing = mailing_to("a@client.example", "b@client.example")
    first = mailing.deliveries.earliest("pk")
    Delivery.objects.filter(pk=first.pk).update(status=DeliveryStatus.SENDING)
    tracker = RecordingTracker()

    send_invoices.fn(tracker, mailing.pk)

    assert statuses() == [DeliveryStatus.UNKNOWN, DeliveryStatus.ACCEPTED]
    assert tracker.in_doubt == [str(first.pk)]
    assert sink.recipients == ["b@client.example"]


def test_the_books_of_the_job_agree_with_the_deliveries(alice: User, sink: RunningSink) -> None:
    mailing = mailing_to("a@client.example", "5xx-550@client.example", "b@client.example")
    job = send_invoices.start_for(alice, mailing_id=mailing.pk)

    run(job.job_id, send_invoices.fn)

    job.refresh_from_db()
    assert (job.status, job.total_items) == (Status.COMPLETED, 3)
    assert (job.success_count, job.failed_items) == (2, 1)
    item = job.items.get()
    assert (item.ref, item.code) == ("F2026-00002", "refused")
    assert "550 5.1.1" in item.params["answer"]


def test_a_retry_sends_the_failed_one_again_and_no_other(alice: User, sink: RunningSink) -> None:
    mailing = mailing_to("a@client.example", "5xx-550@client.example")
    job = send_invoices.start_for(alice, mailing_id=mailing.pk)
    run(job.job_id, send_invoices.fn)

    Customer.objects.filter(email__startswith="5xx").update(email="right@client.example")
    retry(SSEProgress.objects.get(pk=job.pk))
    run(job.job_id, send_invoices.fn)

    job.refresh_from_db()
    assert (job.status, job.success_count, job.failed_items) == (Status.COMPLETED, 2, 0)
    assert sink.recipients == ["a@client.example", "right@client.example"]
