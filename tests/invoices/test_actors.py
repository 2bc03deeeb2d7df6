"""The job, as a plain function and through its books, against a real mail server."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.contrib.auth.models import User
from django.utils import timezone, translation
from pytest_django import Settings

from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.settlement import Settlement
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from apps.core.testing import RecordingTracker
from apps.core.verbs import retry
from apps.invoices.actors import send_invoices
from apps.invoices.mailer import Mailer
from apps.invoices.models import Customer, Delivery, DeliveryStatus, MailAccount
from apps.invoices.sink import Sink
from heron.demo import ports
from tests.invoices.conftest import RunningSink, SinkStarter
from tests.invoices.factories import mailing_to

pytestmark = pytest.mark.django_db


class Greylisting(Sink):
    """Puts everybody off at the first try."""

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        self.seen: set[str] = getattr(self, "seen", set())
        if address not in self.seen:
            self.seen.add(address)
            return "451 4.7.1 greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"


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
    assert (tracker.total, outcomes) == (7, [2, 2, 1])
    assert (len(tracker.in_doubt), len(tracker.put_off)) == (1, 1)
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


class Killed(BaseException):
    """Stands for what ends a worker between two statements."""


def test_a_worker_that_dies_before_its_books_are_written_leaves_the_mail_in_doubt_in_both(
    sink: RunningSink, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing = mailing_to("a@client.example", "b@client.example")
    job = send_invoices.start_for(alice, mailing_id=mailing.pk)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Settlement, "settle", die)
        with pytest.raises(Killed):
            run(job.job_id, send_invoices.fn)
    SSEProgress.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(hours=1))
    run(job.job_id, send_invoices.fn)

    job.refresh_from_db()
    assert sink.recipients == ["a@client.example", "b@client.example"]
    assert (job.books.done, job.books.in_doubt) == (1, 1)
    assert statuses() == [DeliveryStatus.UNKNOWN, DeliveryStatus.ACCEPTED]


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


def due(job: SSEProgress) -> None:
    """Let the time pass until the job may go on."""
    job.refresh_from_db()
    assert job.not_before is not None
    SSEProgress.objects.filter(pk=job.pk).update(not_before=None)
    Delivery.objects.update(not_before=None)
    MailAccount.objects.update(closed_until=None)


def test_a_mail_server_that_is_away_puts_the_job_off_and_no_mail_fails(
    alice: User, start_sink: SinkStarter, settings: Settings
) -> None:
    with start_sink(Sink) as server:
        mailing = mailing_to(*(f"{n}@client.example" for n in range(30)))
        job = send_invoices.start_for(alice, mailing_id=mailing.pk)
        there, settings.EMAIL_PORT = server.port, ports.any_free()

        run(job.job_id, send_invoices.fn)
        job.refresh_from_db()
        assert job.status == Status.PENDING
        assert job.books.counts() == {
            **{"done": 0, "skipped": 0, "failed": 0, "in_doubt": 0},
            "left": 30,
        }
        with translation.override("en"):
            said = snapshot(job)["message"]
        assert said.startswith("The mail server can't be reached: ")
        assert "Next try at" in said
        assert set(statuses()) == {DeliveryStatus.PENDING}

        due(job)
        settings.EMAIL_PORT = there
        run(job.job_id, send_invoices.fn)
        job.refresh_from_db()

    assert (job.status, job.success_count) == (Status.COMPLETED, 30)
    assert not job.items.exists()


def test_a_job_whose_account_is_shut_does_not_even_knock(alice: User, sink: RunningSink) -> None:
    job = send_invoices.start_for(alice, mailing_id=mailing_to("a@client.example").pk)
    soon = timezone.now() + timedelta(seconds=90)
    with Mailer() as mailer:
        MailAccount.objects.create(
            name=mailer.account, closed_until=soon, msgid="Shut: %(answer)s", answer="535 no"
        )

    run(job.job_id, send_invoices.fn)

    job.refresh_from_db()
    assert (job.status, sink.connections) == (Status.PENDING, 0)
    assert job.not_before is not None
    assert abs((job.not_before - soon).total_seconds()) < 5
    assert "Shut: 535 no" in snapshot(job)["message"]


def test_a_server_that_lets_us_in_again_opens_the_gate(alice: User, sink: RunningSink) -> None:
    with Mailer() as mailer:
        MailAccount.objects.create(name=mailer.account, failures=3, answer="535 no")

    job = send_invoices.start_for(alice, mailing_id=mailing_to("a@client.example").pk)
    run(job.job_id, send_invoices.fn)

    assert MailAccount.objects.values_list("failures", "answer").get() == (0, "")


def test_a_mail_put_off_is_sent_later_by_the_same_job(alice: User, start_sink: SinkStarter) -> None:
    with start_sink(Greylisting) as server:
        mailing = mailing_to("a@client.example", "b@client.example")
        job = send_invoices.start_for(alice, mailing_id=mailing.pk)

        run(job.job_id, send_invoices.fn)
        job.refresh_from_db()
        assert (job.status, job.books.done, job.books.left) == (Status.PENDING, 0, 2)
        assert list(Delivery.objects.values_list("smtp_code", flat=True)) == [451, 451]

        due(job)
        run(job.job_id, send_invoices.fn)
        job.refresh_from_db()
        assert sorted(server.recipients) == ["a@client.example", "b@client.example"]

    assert (job.status, job.books.done) == (Status.COMPLETED, 2)
    assert not job.items.exists()


def test_what_an_attempt_had_only_reserved_is_in_doubt_in_the_deliveries_too(
    alice: User, sink: RunningSink
) -> None:
    mailing = mailing_to("a@client.example", "b@client.example")
    first = mailing.deliveries.earliest("pk")
    job = send_invoices.start_for(alice, mailing_id=mailing.pk)
    reserved = {"key": str(first.pk), "ref": "F", "after": first.pk}
    SSEProgress.objects.filter(pk=job.pk).update(
        total_items=2, cursor={"1": {"total": 2, "passed": 0, "reserved": reserved}}
    )

    run(job.job_id, send_invoices.fn)

    job.refresh_from_db()
    assert (job.status, job.books.done, job.books.in_doubt) == (Status.COMPLETED, 1, 1)
    assert statuses() == [DeliveryStatus.UNKNOWN, DeliveryStatus.ACCEPTED]


def test_no_more_mails_a_day_leave_than_the_account_may_send(
    alice: User, sink: RunningSink, settings: Settings
) -> None:
    settings.HERON_MAILS_PER_DAY = 2
    job = send_invoices.start_for(
        alice, mailing_id=mailing_to(*(f"{n}@client.example" for n in range(3))).pk
    )

    run(job.job_id, send_invoices.fn)

    job.refresh_from_db()
    assert (job.status, job.books.done, job.books.left) == (Status.PENDING, 2, 1)
    with translation.override("en"):
        assert "The limit of 2 e-mails a day is reached." in snapshot(job)["message"]
    assert job.not_before is not None
    assert timezone.localtime(job.not_before).hour == 0


def test_mails_leave_no_faster_than_the_account_may_send(
    alice: User, sink: RunningSink, settings: Settings
) -> None:
    settings.HERON_MAILS_PER_MINUTE = 600
    job = send_invoices.start_for(
        alice, mailing_id=mailing_to(*(f"{n}@client.example" for n in range(4))).pk
    )

    begun = monotonic()
    run(job.job_id, send_invoices.fn)

    assert len(sink.mails) == 4
    assert monotonic() - begun >= 0.3
