"""/invoices/preflight/"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core.models import SSEProgress
from apps.invoices.models import Customer, Delivery, DeliveryStatus, EmailState, Mailing
from apps.invoices.selection import Selection
from tests.invoices.factories import (
    make_customer,
    make_delivery,
    make_draft,
    make_invoice,
    make_invoice_to,
)

pytestmark = pytest.mark.django_db

URL = reverse("invoices:preflight")
SEND = reverse("invoices:send")


def look(client: Client, **fields: Any) -> Any:
    """Take a selection to the page as the list's form does."""
    return client.post(URL, fields, follow=True)


def some_of_each() -> list[int]:
    sent, doubtful, waiting = (make_delivery() for _ in range(3))
    Delivery.objects.filter(pk=sent.pk).update(status=DeliveryStatus.ACCEPTED)
    Delivery.objects.filter(pk=doubtful.pk).update(status=DeliveryStatus.UNKNOWN)
    refused = make_customer(
        email="gone@client.example",
        email_state=EmailState.REFUSED,
        email_state_reason="550 no such user",
    )
    others = [make_draft(), make_invoice(), make_invoice_to(""), make_invoice(refused)]
    return [*(each.pk for each in others), *(each.invoice_id for each in (sent, doubtful, waiting))]


def test_it_says_what_would_be_sent_and_what_not_each_figure_a_link(as_alice: Client) -> None:
    answer = look(as_alice, invoice_ids=some_of_each())

    figures = {tab.name: tab.count for tab in answer.context["tabs"]}
    assert figures == dict.fromkeys(
        (
            *("to_send", "without_address", "refused_before", "already_sent", "under_way"),
            *("in_doubt", "drafts"),
        ),
        1,
    )
    html = answer.content.decode()
    for name in figures:
        assert f"&amp;show={name}#figures" in html
    assert (SSEProgress.objects.count(), Mailing.objects.filter(job=None).count()) == (0, 3)


@pytest.mark.parametrize(
    ("kind", "seen"), [("refused_before", "550 no such user"), ("drafts", "Brouillon")]
)
def test_a_figure_leads_to_its_invoices(as_alice: Client, kind: str, seen: str) -> None:
    address = look(as_alice, invoice_ids=some_of_each()).redirect_chain[-1][0]

    answer = as_alice.get(f"{address}&show={kind}")

    assert len(answer.context["page"].object_list) == 1
    assert seen in answer.content.decode()


def test_the_selection_is_an_address_that_can_be_kept(as_alice: Client) -> None:
    ids = [make_invoice().pk for _ in range(5)]
    del ids[3]

    address = look(as_alice, invoice_ids=ids, status="unsent", q="").redirect_chain[-1][0]

    assert f"ids={ids[0]}-{ids[2]}%2C{ids[3]}" in address
    assert as_alice.get(address).context["counts"].to_send == 4


def test_all_of_a_list_is_looked_at_as_the_list_is_now(as_alice: Client) -> None:
    garage = make_customer(name="Garage Dumas")
    make_invoice(garage)
    make_invoice()
    address = look(as_alice, all="1", status="unsent", q="garage").redirect_chain[-1][0]
    make_invoice(garage)

    assert as_alice.get(address).context["counts"].to_send == 2


def test_what_an_ended_job_left_waiting_counts_as_to_send(as_alice: Client) -> None:
    delivery = make_delivery()
    delivery.mailing.job = SSEProgress.objects.create(task_type="x", status="cancelled")
    delivery.mailing.save()

    answer = look(as_alice, invoice_ids=[delivery.invoice_id])

    assert answer.context["counts"].to_send == 1


def test_refused_addresses_are_tried_again_when_asked(as_alice: Client) -> None:
    customer = make_customer(email_state=EmailState.REFUSED)
    ids = [make_invoice(customer).pk]
    address = look(as_alice, invoice_ids=ids).redirect_chain[-1][0]

    assert as_alice.get(address).context["counts"].to_send == 0
    assert as_alice.post(SEND, {"invoice_ids": ids, "expected": "0"}).headers["Location"] != ""
    assert not Mailing.objects.exists()
    page = as_alice.get(f"{address}&even_refused=1")
    assert page.context["counts"].to_send == 1
    as_alice.post(SEND, page.context["fields"] | {"expected": "1"})

    assert Mailing.objects.get().deliveries.count() == 1


def test_a_corrected_address_is_refused_no_more() -> None:
    customer = make_customer(email_state=EmailState.REFUSED, email_state_reason="550")

    customer.name = "Another name"
    customer.save()
    assert Customer.objects.get().email_state == EmailState.REFUSED
    customer.email = "right@client.example"
    customer.save()

    found = Customer.objects.get()
    assert (found.email_state, found.email_state_reason) == (EmailState.OK, "")


def test_the_page_sends_what_it_shows(as_alice: Client) -> None:
    page = look(as_alice, invoice_ids=[make_invoice().pk, make_invoice().pk])

    answer = as_alice.post(SEND, page.context["fields"] | {"expected": "2", "mode": "live"})

    mailing = Mailing.objects.get()
    assert (answer.headers["Location"], mailing.mode) == (mailing.get_absolute_url(), "live")
    assert mailing.deliveries.count() == 2


def test_a_rehearsal_goes_to_whoever_sends(as_alice: Client, alice: User) -> None:
    User.objects.update(email="alice@heron.example")

    as_alice.post(SEND, {"invoice_ids": [make_invoice().pk], "mode": "redirect"})

    mailing = Mailing.objects.get()
    assert (mailing.mode, mailing.redirect_to) == ("redirect", "alice@heron.example")
    assert "alice@heron.example" in as_alice.get(mailing.get_absolute_url()).content.decode()


def test_nobody_without_an_address_can_rehearse_with_themselves(as_alice: Client) -> None:
    ids = [make_invoice().pk]

    page = look(as_alice, invoice_ids=ids).content.decode()
    answer = as_alice.post(SEND, {"invoice_ids": ids, "mode": "redirect"}, follow=True)

    assert 'value="redirect" disabled' in page
    assert len(list(answer.context["messages"])) == 1
    assert not Mailing.objects.exists()


def test_a_letter_with_an_unknown_placeholder_comes_back_with_what_was_written(
    as_alice: Client,
) -> None:
    fields = {"invoice_ids": [make_invoice().pk], "subject": "Facture {numero}", "mode": "dry_run"}

    answer = as_alice.post(SEND, fields)

    html = answer.content.decode()
    assert answer.status_code == 400
    assert "Facture {numero}" in html
    assert "{number}, {customer}" in html
    assert 'value="dry_run" checked' in html
    assert not Mailing.objects.exists()


def test_a_program_is_told_of_a_mode_that_does_not_exist(as_alice: Client) -> None:
    answer = as_alice.post(
        SEND,
        {"invoice_ids": [make_invoice().pk], "mode": "loud"},
        headers={"Accept": "application/json"},
    )

    assert (answer.status_code, answer.json()["success"]) == (400, False)


@pytest.mark.parametrize("ids", ["", "x", "1-", "-4", "1-999999999", "999999"])
def test_a_selection_that_is_none_leads_back_to_the_list(as_alice: Client, ids: str) -> None:
    answer = as_alice.get(URL, {"ids": ids, "status": "failed"})

    assert answer.headers["Location"] == f"{reverse('invoices:list')}?status=failed"


def test_ranges_are_read_as_they_are_written() -> None:
    from django.http import QueryDict

    selection = Selection.read(QueryDict("ids=4-9,12"))

    assert selection.ticked == {4, 5, 6, 7, 8, 9, 12}
    assert Selection.read(QueryDict(selection.query())) == selection


def test_it_needs_a_login(client: Client) -> None:
    assert client.get(URL).headers["Location"].startswith(reverse("login"))


def test_it_answers_nothing_but_looks(as_alice: Client) -> None:
    assert as_alice.put(URL).status_code == 405
