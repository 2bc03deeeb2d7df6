"""Decisions about e-mails in doubt: deliveries and mail server agree with the books."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from apps.core.decisions import decide
from apps.core.models import Decision, JobItem, Outcome, SSEProgress
from apps.core.runner import run
from apps.core.statuses import Status
from apps.invoices import outcomes
from apps.invoices.actors import send_invoices
from apps.invoices.models import Customer, Delivery, DeliveryStatus, Mailing
from tests.invoices.conftest import RunningSink
from tests.invoices.factories import make_invoice_to, make_mailing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> object:
    with translation.override("en"):
        yield


def doubtful(alice: User) -> tuple[Mailing, SSEProgress]:
    """Send two mails; the line breaks after the second one was handed over."""
    mailing = make_mailing(
        make_invoice_to("a@client.example"), make_invoice_to("drop-data@client.example")
    )
    job = send_invoices.start_for(alice, mailing_id=mailing.pk)
    mailing.job = job
    mailing.save(update_fields=["job"])
    run(job.job_id, send_invoices.fn)
    job.refresh_from_db()
    assert job.in_doubt_items == 1
    return mailing, job


def statuses(mailing: Mailing) -> list[str]:
    return list(mailing.deliveries.order_by("pk").values_list("status", flat=True))


def doubtful_delivery(mailing: Mailing) -> Delivery:
    return mailing.deliveries.latest("pk")


def test_sending_again_sends_that_mail_alone_under_the_same_message_id(
    alice: User, sink: RunningSink
) -> None:
    mailing, job = doubtful(alice)
    before = doubtful_delivery(mailing).message_id

    decide(job, Decision.AGAIN, alice)
    assert statuses(mailing) == [DeliveryStatus.ACCEPTED, DeliveryStatus.PENDING]
    run(job.job_id, send_invoices.fn)

    job.refresh_from_db()
    assert (job.status, job.success_count, job.in_doubt_items) == (Status.COMPLETED, 1, 1)
    assert sink.recipients == ["a@client.example", *2 * ["drop-data@client.example"]]
    assert [mail["Message-ID"] for mail in sink.mails[1:]] == [before, before]


def test_sending_again_to_a_corrected_address_is_another_mail(
    alice: User, sink: RunningSink
) -> None:
    mailing, job = doubtful(alice)
    before = doubtful_delivery(mailing).message_id
    Customer.objects.filter(email__startswith="drop").update(email="b@client.example")

    decide(job, Decision.AGAIN, alice)
    assert statuses(mailing) == [DeliveryStatus.ACCEPTED, DeliveryStatus.PENDING]
    run(job.job_id, send_invoices.fn)

    job.refresh_from_db()
    assert statuses(mailing) == [DeliveryStatus.ACCEPTED, DeliveryStatus.ACCEPTED]
    assert (job.status, job.success_count, job.in_doubt_items) == (Status.COMPLETED, 2, 0)
    assert sink.recipients == ["a@client.example", "drop-data@client.example", "b@client.example"]
    assert [mail["Message-ID"] for mail in sink.mails[1:]] == [
        before,
        doubtful_delivery(mailing).message_id,
    ]
    assert doubtful_delivery(mailing).message_id != before


def test_marking_as_sent_sends_nothing_and_says_who_did(alice: User, sink: RunningSink) -> None:
    mailing, job = doubtful(alice)

    decided = decide(job, Decision.DONE, alice)

    delivery = doubtful_delivery(mailing)
    assert delivery.status == DeliveryStatus.ACCEPTED
    assert outcomes.reason(delivery, delivery.status) == "Marked as sent by alice."
    assert (decided.job.status, decided.job.success_count) == (Status.COMPLETED, 2)
    assert len(sink.mails) == 2


def test_skipping_frees_the_invoice_for_another_mailing(alice: User, sink: RunningSink) -> None:
    mailing, job = doubtful(alice)

    decided = decide(job, Decision.SKIP, alice)

    delivery = doubtful_delivery(mailing)
    assert delivery.status == DeliveryStatus.SKIPPED
    assert outcomes.reason(delivery, delivery.status) == "Skipped by alice."
    assert (decided.job.skipped_items, decided.job.in_doubt_items) == (1, 0)
    assert make_mailing(delivery.invoice, by=alice).deliveries.count() == 1


@pytest.mark.parametrize("decision", Decision)
def test_a_mail_that_the_server_is_known_to_have_accepted_is_never_sent_again(
    alice: User, sink: RunningSink, decision: Decision
) -> None:
    # The worker died between the server's answer, which it wrote down, and the job's books.
    mailing, job = doubtful(alice)
    Delivery.objects.filter(mailing=mailing).update(
        status=DeliveryStatus.ACCEPTED, smtp_code=250, smtp_text="2.0.0 OK"
    )

    decide(job, decision, alice)
    run(job.job_id, send_invoices.fn)

    assert statuses(mailing) == [DeliveryStatus.ACCEPTED, DeliveryStatus.ACCEPTED]
    assert doubtful_delivery(mailing).smtp_text == "2.0.0 OK"
    assert len(sink.mails) == 2


def test_a_mail_that_its_worker_died_with_can_be_sent_again(alice: User, sink: RunningSink) -> None:
    # Nothing has looked at the delivery since: it still says that it is being sent.
    mailing, job = doubtful(alice)
    delivery = doubtful_delivery(mailing)
    Delivery.objects.filter(pk=delivery.pk).update(status=DeliveryStatus.SENDING)
    Customer.objects.filter(email__startswith="drop").update(email="b@client.example")

    decide(job, Decision.AGAIN, alice)
    run(job.job_id, send_invoices.fn)

    assert statuses(mailing) == [DeliveryStatus.ACCEPTED, DeliveryStatus.ACCEPTED]
    assert sink.recipients[-1] == "b@client.example"


def test_a_mail_that_was_in_doubt_and_has_meanwhile_gone_with_another_mailing_stays_as_it_is(
    alice: User, sink: RunningSink
) -> None:
    mailing, job = doubtful(alice)
    delivery = doubtful_delivery(mailing)
    Delivery.objects.filter(pk=delivery.pk).update(status=DeliveryStatus.FAILED)
    make_mailing(delivery.invoice, by=alice)

    decide(job, Decision.DONE, alice)

    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.FAILED
    assert job.items.get().outcome == Outcome.DONE


@pytest.mark.parametrize("key", ["not-a-delivery", "1"])
def test_other_jobs_items_are_none_of_our_business(alice: User, key: str) -> None:
    delivery = make_mailing(make_invoice_to("a@client.example"), by=alice).deliveries.get()
    job = SSEProgress.objects.create(
        user=alice,
        task_type="import",
        actor="x",
        queue="default",
        status=Status.COMPLETED,
        total_items=1,
        processed_items=1,
        in_doubt_items=1,
    )
    JobItem.objects.create(
        job=job, key=key.replace("1", str(delivery.pk)), outcome=Outcome.IN_DOUBT
    )

    decide(job, Decision.DONE, alice)

    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.PENDING
