"""GET /invoices/"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core.statuses import Status
from apps.invoices.models import Customer, Delivery, DeliveryStatus
from tests.invoices.factories import (
    give_job,
    make_customer,
    make_delivery,
    make_draft,
    make_invoice,
    make_mailing,
)

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.django_db

URL = reverse("invoices:list")


def numbers(page: Response) -> list[str]:
    return re.findall(r'class="name"[^>]*>([^<]+)</a>', page.content.decode())


def ticks(page: Response) -> int:
    return page.content.decode().count('name="invoice_ids"')


def counts(client: Client, **query: str) -> dict[str, int]:
    return {tab.name: tab.count for tab in client.get(URL, query).context["tabs"]}


def test_it_shows_what_is_to_be_sent_newest_first(as_alice: Client) -> None:
    make_invoice()
    make_invoice()

    page = as_alice.get(URL)

    assert numbers(page) == ["F2026-00002", "F2026-00001"]
    assert ticks(page) == 2


def test_each_state_has_its_tab(as_alice: Client) -> None:
    make_draft()
    for status in set(DeliveryStatus) - {DeliveryStatus.CHECKED}:
        delivery = make_delivery()
        Delivery.objects.filter(pk=delivery.pk).update(status=status)

    assert counts(as_alice) == {"unsent": 2, "sending": 2, "sent": 1, "failed": 3, "all": 9}


def test_only_the_newest_delivery_decides(as_alice: Client) -> None:
    invoice = make_invoice()
    make_mailing(invoice)
    Delivery.objects.update(status=DeliveryStatus.REFUSED)
    second = make_mailing(invoice).deliveries.get()
    Delivery.objects.filter(pk=second.pk).update(status=DeliveryStatus.ACCEPTED)

    assert counts(as_alice) == {"unsent": 0, "sending": 0, "sent": 1, "failed": 0, "all": 1}


@pytest.mark.parametrize(
    ("status", "tab"), [(DeliveryStatus.PENDING, "unsent"), (DeliveryStatus.SENDING, "failed")]
)
def test_what_an_ended_job_left_is_not_under_way(as_alice: Client, status: str, tab: str) -> None:
    delivery = make_delivery()
    Delivery.objects.update(status=status)
    give_job(delivery.mailing, Status.CANCELLED)

    assert counts(as_alice)[tab] == 1


def test_what_cannot_be_sent_has_no_tick(as_alice: Client) -> None:
    make_draft()
    for status in (DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN, DeliveryStatus.REFUSED):
        delivery = make_delivery()
        Delivery.objects.filter(pk=delivery.pk).update(status=status)

    page = as_alice.get(URL, {"status": "all"})

    assert ticks(page) == page.context["sendable_count"] == 1


@pytest.mark.parametrize("words", ["00002", "garage", "BC-77", "compta@garage"])
def test_it_finds_by_number_customer_order_and_address(as_alice: Client, words: str) -> None:
    make_invoice()
    make_invoice(
        make_customer(name="Garage Dumas", email="compta@garage.example"), order_ref="BC-77"
    )

    page = as_alice.get(URL, {"q": words})

    assert numbers(page) == ["F2026-00002"]
    assert counts(as_alice, q=words)["all"] == 1


def test_it_orders_by_the_column_that_was_asked_for(as_alice: Client) -> None:
    make_invoice(lines=(("1", "30", "20"),))
    make_invoice(lines=(("1", "10", "20"),))
    make_invoice(lines=(("1", "20", "20"),))

    page = as_alice.get(URL, {"sort": "total"})

    assert numbers(page) == ["F2026-00002", "F2026-00003", "F2026-00001"]
    assert 'aria-sort="ascending"' in page.content.decode()


def test_it_gives_fifty_a_page_or_more_when_asked(as_alice: Client) -> None:
    customer = make_customer()
    for _ in range(60):
        make_invoice(customer)

    assert ticks(as_alice.get(URL)) == 50
    assert ticks(as_alice.get(URL, {"page": "2"})) == 10
    assert ticks(as_alice.get(URL, {"per_page": "100"})) == 60


@pytest.mark.parametrize(
    "query", [{"status": "nonsense"}, {"sort": "password"}, {"per_page": "-1"}, {"page": "x"}]
)
def test_nonsense_in_the_address_falls_back(as_alice: Client, query: dict[str, str]) -> None:
    make_invoice()

    assert ticks(as_alice.get(URL, query)) == 1


def test_names_are_escaped(as_alice: Client) -> None:
    make_invoice(make_customer(name="<script>alert(1)</script>"))

    assert b"<script>alert" not in as_alice.get(URL, {"q": "<script>"}).content


def test_an_empty_list_says_so(as_alice: Client) -> None:
    assert ticks(as_alice.get(URL)) == 0
    assert as_alice.get(URL, {"q": "garage"}).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_list(
    as_alice: Client, django_assert_max_num_queries: object
) -> None:
    for _ in range(12):
        make_delivery()
    Customer.objects.update(language="en")

    with django_assert_max_num_queries(9):  # type: ignore[operator]
        as_alice.get(URL, {"status": "all"})


def test_a_mailing_is_linked_for_those_who_may_see_it(as_alice: Client, as_bob: Client) -> None:
    mailing = make_mailing(make_invoice(), by=User.objects.get(username="alice"))
    link = mailing.get_absolute_url()

    assert link in as_alice.get(URL, {"status": "all"}).content.decode()
    assert link not in as_bob.get(URL, {"status": "all"}).content.decode()


def test_it_only_answers_reading(as_alice: Client) -> None:
    assert as_alice.post(URL).status_code == 405


def test_an_anonymous_reader_is_asked_to_log_in(client: Client) -> None:
    answer = client.get(URL)

    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        f"{reverse('login')}?next={URL}",
    )
