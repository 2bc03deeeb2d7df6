"""POST /invoices/send/"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from redis import Redis

from apps.core.live import history, ticket
from apps.core.live.breaker import breaker
from apps.core.models import SSEProgress
from apps.invoices.models import Delivery, DeliveryStatus, Invoice, Mailing
from tests.invoices.factories import (
    make_customer,
    make_delivery,
    make_draft,
    make_invoice,
    make_invoice_to,
)

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.django_db

URL = reverse("invoices:send")
JSON = {"Accept": "application/json"}


def send(client: Client, **fields: Any) -> Response:
    return client.post(URL, fields, headers=JSON)


def said(answer: Response) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_it_starts_one_job_for_the_selection(as_alice: Client) -> None:
    wanted = [make_invoice().pk for _ in range(3)]
    make_invoice()

    answer = send(as_alice, invoice_ids=wanted)

    mailing, job = Mailing.objects.get(), SSEProgress.objects.get()
    told = answer.json()
    progress = told.pop("progress")
    assert told == {
        "success": True,
        "job_id": job.job_id,
        "total": 3,
        "skipped": 0,
        "url": reverse("invoices:mailing", args=[mailing.pk]),
    }
    assert (progress["job_id"], progress["status"]) == (job.job_id, "pending")
    assert mailing.job == job
    assert job.user is not None
    assert job.user.get_username() == "alice"
    assert {delivery.invoice_id for delivery in mailing.deliveries.all()} == set(wanted)


@pytest.mark.integration
def test_the_jobs_bar_needs_to_ask_for_nothing(
    as_alice: Client, valkey_url: str, settings: Any
) -> None:
    with Redis.from_url(valkey_url) as valkey:
        settings.EVENTSTREAM_REDIS = {"unix_socket_path": valkey.get_connection_kwargs()["path"]}
        breaker.close()
        before_any_event = history.beginning(valkey)
    answer = send(as_alice, invoice_ids=[make_invoice().pk])

    progress = answer.json()["progress"]
    read = as_alice.get(f"/core/sse-progress/{progress['job_id']}/", headers=JSON).json()
    start = progress.pop("stream")
    assert read.pop("stream")["channels"] == start["channels"] == [f"progress-{read['job_id']}"]
    # All that is told of the job from its beginning on.
    assert start["id"] == f"progress-{read['job_id']}:{before_any_event}"
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in as_alice.cookies.items())
    held = ticket.check([start["ticket"]], start["channels"], cookies)
    assert held is not None
    assert held.channels == tuple(start["channels"])
    for passing in ("server_time", "seq"):
        progress.pop(passing, None), read.pop(passing, None)
    assert progress == read


def test_without_live_events_the_bar_is_told_of_no_place(as_alice: Client) -> None:
    answer = send(as_alice, invoice_ids=[make_invoice().pk])

    assert answer.json()["progress"]["stream"]["id"] == ""


def test_the_guides_field_name_works_too(as_alice: Client) -> None:
    answer = as_alice.post(URL, {"invoice_ids[]": [make_invoice().pk]}, headers=JSON)

    assert answer.json()["total"] == 1


def test_a_browser_is_taken_to_the_mailing(as_alice: Client) -> None:
    answer = as_alice.post(URL, {"invoice_ids": [make_invoice().pk, make_invoice_to("").pk]})

    assert answer.headers["Location"] == Mailing.objects.get().get_absolute_url()
    assert len(said(answer)) == 1


def test_all_means_everything_that_the_filters_match(as_alice: Client) -> None:
    garage = make_customer(name="Garage Dumas")
    for _ in range(60):
        make_invoice(garage)
    make_invoice()
    make_draft(garage)

    answer = send(as_alice, all="1", status="unsent", q="garage")

    assert (answer.json()["total"], answer.json()["skipped"]) == (60, 0)


def test_all_leaves_out_what_cannot_be_sent(as_alice: Client) -> None:
    make_invoice()
    Delivery.objects.filter(pk=make_delivery().pk).update(status=DeliveryStatus.ACCEPTED)
    make_draft()

    answer = send(as_alice, all="1", status="all")

    assert (answer.json()["total"], answer.json()["skipped"]) == (1, 0)


def test_what_was_ticked_and_cannot_be_sent_is_counted_as_skipped(as_alice: Client) -> None:
    sent, ticked = make_delivery(), make_invoice()
    Delivery.objects.update(status=DeliveryStatus.ACCEPTED)

    answer = send(as_alice, invoice_ids=[sent.invoice.pk, ticked.pk, make_draft().pk])

    assert (answer.json()["total"], answer.json()["skipped"]) == (1, 2)


@pytest.mark.parametrize("ids", [[], ["12; DROP"], ["999999"], ["-"]])
def test_a_selection_that_is_none_is_refused(as_alice: Client, ids: list[str]) -> None:
    make_invoice()

    answer = send(as_alice, invoice_ids=ids)

    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["error"]
    assert not SSEProgress.objects.exists()


def test_sending_the_same_again_is_refused_with_the_reason(as_alice: Client) -> None:
    invoice = make_invoice()
    send(as_alice, invoice_ids=[invoice.pk])

    answer = send(as_alice, invoice_ids=[invoice.pk])

    assert answer.status_code == 409
    assert "1" in answer.json()["error"]
    assert (SSEProgress.objects.count(), Mailing.objects.count()) == (1, 1)


def test_without_a_company_it_says_what_to_do(as_alice: Client) -> None:
    draft = make_draft()

    assert send(as_alice, invoice_ids=[draft.pk]).status_code == 409


def test_a_browser_keeps_its_list_and_reads_why(as_alice: Client) -> None:
    answer = as_alice.post(URL, {"status": "failed", "q": "garage", "page": "2"})

    assert answer.headers["Location"] == f"{reverse('invoices:list')}?status=failed&q=garage&page=2"
    assert len(said(answer)) == 1


def test_a_job_that_cannot_be_made_leaves_no_mailing(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> SSEProgress:
        raise RuntimeError

    monkeypatch.setattr("apps.invoices.views.views_send.send_invoices.start_for", broken)

    with pytest.raises(RuntimeError):
        send(as_alice, invoice_ids=[make_invoice().pk])

    assert not Mailing.objects.exists()


def test_it_only_answers_posts(as_alice: Client) -> None:
    assert as_alice.get(URL).status_code == 405


def test_it_needs_the_forms_token(alice: object) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)  # type: ignore[arg-type]

    assert send(strict, invoice_ids=[make_invoice().pk]).status_code == 403
    assert Invoice.objects.exists()
    assert not Mailing.objects.exists()


def test_an_anonymous_program_is_told_and_a_browser_asked_to_log_in(client: Client) -> None:
    assert send(client).status_code == 401
    assert client.post(URL).headers["Location"].startswith(reverse("login"))
