"""GET /invoices/mailings/<pk>/"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from apps.core.statuses import Status
from apps.invoices.mailer import Mailer
from apps.invoices.models import Delivery, DeliveryStatus, MailAccount, Mailing, MailingMode
from tests.invoices.factories import give_job, make_invoice, make_mailing

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailing(alice: User) -> Mailing:
    """Alice's mailing of six, one of each outcome that people meet."""
    found = make_mailing(*(make_invoice() for _ in range(6)), by=alice)
    give_job(found, Status.RUNNING)
    statuses = ("accepted", "refused", "failed", "unknown", "skipped", "sending")
    for delivery, status in zip(found.deliveries.all(), statuses, strict=True):
        Delivery.objects.filter(pk=delivery.pk).update(status=status)
    return found


def test_it_shows_the_bar_and_every_outcome(as_alice: Client, mailing: Mailing) -> None:
    page = as_alice.get(mailing.get_absolute_url())

    assert mailing.job is not None
    assert mailing.job.job_id in page.content.decode()
    assert len(page.context["rows"]) == 6
    assert {tab.name: tab.count for tab in page.context["tabs"]} == {
        "": 6,
        "accepted": 1,
        "refused": 1,
        "failed": 1,
        "unknown": 1,
        "skipped": 1,
        "sending": 1,
    }


def test_it_gives_the_reason_in_the_servers_words(as_alice: Client, mailing: Mailing) -> None:
    words = "5.1.1 <a@b.example>: no such user"
    Delivery.objects.filter(status="refused").update(smtp_code=550, smtp_text=words)

    page = as_alice.get(mailing.get_absolute_url())

    assert escape(f"550 {words}") in page.content.decode()


@pytest.mark.parametrize(("outcome", "count"), [("refused", 1), ("", 6), ("nonsense", 6)])
def test_it_filters_by_outcome(
    as_alice: Client, mailing: Mailing, outcome: str, count: int
) -> None:
    page = as_alice.get(mailing.get_absolute_url(), {"outcome": outcome})

    assert len(page.context["rows"]) == count


def test_what_an_ended_job_left_is_told_as_it_is(as_alice: Client, mailing: Mailing) -> None:
    Delivery.objects.filter(status="skipped").update(status=DeliveryStatus.PENDING)
    give_job(mailing, Status.CANCELLED)

    tabs = as_alice.get(mailing.get_absolute_url()).context["tabs"]

    assert {tab.name for tab in tabs} == {
        "",
        "accepted",
        "refused",
        "failed",
        "unknown",
        "cancelled",
    }


def test_a_long_one_has_pages(as_alice: Client, alice: User) -> None:
    mailing = make_mailing(*(make_invoice() for _ in range(55)), by=alice)

    page = as_alice.get(mailing.get_absolute_url(), {"page": "2"})

    assert len(page.context["rows"]) == 5


def test_it_opens_without_a_job(as_alice: Client, mailing: Mailing) -> None:
    Mailing.objects.update(job=None)

    assert as_alice.get(mailing.get_absolute_url()).status_code == 200


def test_staff_may_look(as_staff: Client, mailing: Mailing) -> None:
    assert as_staff.get(mailing.get_absolute_url()).status_code == 200


def test_somebody_elses_is_not_found(as_bob: Client, mailing: Mailing) -> None:
    assert as_bob.get(mailing.get_absolute_url()).status_code == 404


def test_a_missing_one_is_not_found(as_alice: Client) -> None:
    assert as_alice.get(reverse("invoices:mailing", args=[4711])).status_code == 404


def test_it_only_answers_reading(as_alice: Client, mailing: Mailing) -> None:
    assert as_alice.post(mailing.get_absolute_url()).status_code == 405


def test_an_anonymous_reader_is_asked_to_log_in(client: Client, mailing: Mailing) -> None:
    answer = client.get(mailing.get_absolute_url())

    assert answer.headers["Location"].startswith(reverse("login"))


def test_it_says_that_the_mail_server_takes_nothing_just_now(
    as_alice: Client, mailing: Mailing
) -> None:
    with Mailer() as mailer:
        MailAccount.objects.create(
            name=mailer.account,
            closed_until=timezone.now() + timedelta(minutes=2),
            msgid="The mail server refuses the login: %(answer)s",
            answer="535 5.7.8 no",
        )

    page = as_alice.get(mailing.get_absolute_url()).content.decode()
    give_job(mailing, Status.COMPLETED)
    over = as_alice.get(mailing.get_absolute_url()).content.decode()

    assert "refuse la connexion du compte : 535 5.7.8 no" in page
    assert "535" not in over


def test_a_mail_that_waits_says_why_and_until_when(as_alice: Client, mailing: Mailing) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    Delivery.objects.filter(status="sending").update(
        status="pending", smtp_code=451, smtp_text="greylisted", not_before=soon
    )

    page = as_alice.get(mailing.get_absolute_url()).content.decode()

    assert f"451 greylisted (prochain essai à {timezone.localtime(soon):%H:%M})" in page


def test_a_dry_run_says_that_it_is_one(as_alice: Client, mailing: Mailing) -> None:
    Mailing.objects.update(mode=MailingMode.DRY_RUN)
    Delivery.objects.filter(status="accepted").update(status="checked", live=False)

    page = as_alice.get(mailing.get_absolute_url())

    assert "aucun n’est envoyé" in page.content.decode()
    assert "checked" in {tab.name for tab in page.context["tabs"]}
