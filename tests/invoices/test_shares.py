"""A big mailing is shared out among workers; retries and decisions reach its parts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import translation
from pytest_django import Settings

from apps.core.decisions import decide
from apps.core.fanout import settle
from apps.core.models import Decision, SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from apps.core.verbs import retry
from apps.invoices.actors import send_invoices, send_share
from apps.invoices.models import Customer, Delivery, DeliveryStatus, Mailing
from tests.invoices.conftest import RunningSink
from tests.invoices.factories import mailing_to

pytestmark = pytest.mark.django_db


def statuses() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("status", flat=True))


def shared_out(owner: User, *addresses: str) -> SSEProgress:
    """Start a mailing that is above the threshold."""
    job = send_invoices.start_for(owner, mailing_id=mailing_to(*addresses).pk)
    run(job.job_id, send_invoices.fn)
    job.refresh_from_db()
    return job


def send_all(job: SSEProgress) -> SSEProgress:
    for part in job.parts.order_by("part"):
        run(part.job_id, send_share.fn)
    settle(job.job_id)
    job.refresh_from_db()
    return job


def test_a_big_mailing_is_shared_out_in_parts_that_miss_nobody(
    alice: User, sink: RunningSink, settings: Settings
) -> None:
    settings.HERON_FAN_OUT_ABOVE = 4
    addresses = [f"{n}@client.example" for n in range(7)]

    job = shared_out(alice, *addresses)
    assert [part.total_items for part in job.parts.order_by("part")] == [1, 2, 2, 2]
    assert (job.status, job.total_items, sink.recipients) == (Status.RUNNING, 7, [])
    ended = send_all(job)

    assert sorted(sink.recipients) == addresses
    assert (ended.status, ended.success_count) == (Status.COMPLETED, 7)
    assert set(statuses()) == {DeliveryStatus.ACCEPTED}
    with translation.override("en"):
        summary = snapshot(ended)["result"]["summary"]
    assert summary == "7 e-mails accepted by the mail server"


def test_a_mailing_at_the_threshold_is_sent_by_one_worker(
    alice: User, sink: RunningSink, settings: Settings
) -> None:
    settings.HERON_FAN_OUT_ABOVE = 2

    job = shared_out(alice, "a@client.example", "b@client.example")

    assert (job.status, job.parts.count(), len(sink.recipients)) == (Status.COMPLETED, 0, 2)


def test_a_part_that_begins_does_not_doubt_what_another_one_is_sending(
    alice: User, sink: RunningSink, settings: Settings
) -> None:
    settings.HERON_FAN_OUT_ABOVE = 2
    job = shared_out(alice, *(f"{n}@client.example" for n in range(3)))
    last = Delivery.objects.latest("pk")
    Delivery.objects.filter(pk=last.pk).update(status=DeliveryStatus.SENDING)

    first = job.parts.earliest("part")
    run(first.job_id, send_share.fn)

    assert statuses()[-1] == DeliveryStatus.SENDING


def test_a_retry_of_a_big_mailing_sends_the_failed_one_again_and_no_other(
    alice: User, sink: RunningSink, settings: Settings
) -> None:
    settings.HERON_FAN_OUT_ABOVE = 2
    job = send_all(shared_out(alice, "a@client.example", "5xx-550@client.example", "c@x.example"))
    assert (job.status, job.failed_items) == (Status.COMPLETED, 1)

    Customer.objects.filter(email__startswith="5xx").update(email="right@client.example")
    retry(job)
    send_all(job)

    assert (job.status, job.success_count, job.failed_items) == (Status.COMPLETED, 3, 0)
    assert sorted(sink.recipients) == ["a@client.example", "c@x.example", "right@client.example"]


def test_a_person_decides_about_an_e_mail_of_a_part(
    alice: User, sink: RunningSink, settings: Settings
) -> None:
    settings.HERON_FAN_OUT_ABOVE = 2
    job = shared_out(alice, "a@client.example", "drop-data@client.example", "c@client.example")
    mailing = Mailing.objects.get()
    mailing.job = job
    mailing.save()
    send_all(job)
    assert (job.in_doubt_items, statuses()[1]) == (1, DeliveryStatus.UNKNOWN)

    decide(job, Decision.DONE, alice)

    job.refresh_from_db()
    assert (job.in_doubt_items, job.success_count) == (0, 3)
    assert statuses()[1] == DeliveryStatus.ACCEPTED


def test_a_mailing_that_one_worker_has_begun_is_not_shared_out(
    alice: User, sink: RunningSink, settings: Settings
) -> None:
    job = send_invoices.start_for(
        alice, mailing_id=mailing_to("a@client.example", "b@client.example").pk
    )
    SSEProgress.objects.filter(pk=job.pk).update(processed_items=1)
    first = Delivery.objects.earliest("pk").pk
    SSEProgress.objects.filter(pk=job.pk).update(
        cursor={"1": {"after": first, "passed": 1, "total": 2}}, total_items=2
    )
    settings.HERON_FAN_OUT_ABOVE = 1

    run(job.job_id, send_invoices.fn)

    job.refresh_from_db()
    assert (job.status, job.parts.count()) == (Status.COMPLETED, 0)
    assert sink.recipients == ["b@client.example"]
