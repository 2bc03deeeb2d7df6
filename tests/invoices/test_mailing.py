"""Freezing a selection, and sending one delivery at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from apps.core.statuses import Status
from apps.invoices import mailing, message_ids, preflight
from apps.invoices.errors import (
    NothingToSendError,
    UnknownPlaceholderError,
)
from apps.invoices.models import (
    Delivery,
    DeliveryStatus,
    Invoice,
    Mailing,
)
from tests.invoices.factories import (
    give_job,
    make_delivery,
    make_draft,
    make_invoice,
    make_invoice_to,
    make_mailing,
)

pytestmark = pytest.mark.django_db

ALL = Invoice.objects.all


def status_of(delivery: Delivery) -> str:
    return Delivery.objects.get(pk=delivery.pk).status


def test_a_selection_is_frozen_with_an_id_for_every_mail(alice: User) -> None:
    invoice = make_invoice_to("compta@client.example")

    found, counts = mailing.prepare(alice, ALL())

    delivery = found.deliveries.get()
    assert delivery.recipient == "compta@client.example"
    assert delivery.message_id == message_ids.message_id(
        invoice.uuid, "compta@client.example", 1, "heron.example"
    )
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

    def look_then_lose(*args: Any, **options: Any) -> Iterator[preflight.Candidate]:
        found = list(look(*args, **options))
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
    assert second.message_id.endswith(".2@heron.example>")
    assert second.message_id != first.message_id


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
