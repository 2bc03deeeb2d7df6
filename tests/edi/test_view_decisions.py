"""POST /edi/interchanges/<pk>/decide/ and /edi/messages/<pk>/decide/"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core.models import SSEProgress
from apps.edi.models import EdiFile, EdiMessage, InterchangeStatus, Partner
from tests.edi.factories import imported, interchange, make_file, make_partner, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def unknown(alice: User) -> EdiFile:
    """Alice's file from somebody unknown."""
    file = make_file(interchange(order()), alice)
    imported(file)
    return file


@pytest.fixture
def doubled(alice: User) -> EdiFile:
    """Alice's file with a reference that is here already."""
    make_partner()
    imported(make_file(interchange(order()), alice))
    file = make_file(interchange(order(number="PO2")), alice)
    imported(file)
    return file


def url_of(file: EdiFile) -> str:
    return reverse("edi:decide", args=[file.interchanges.get().pk])


def status_of(file: EdiFile) -> str:
    return file.interchanges.get().status


def test_a_sender_is_made_a_partner_and_the_import_starts(
    as_alice: Client, unknown: EdiFile
) -> None:
    page = as_alice.get(unknown.get_absolute_url())
    assert 'value="adopt"' in page.content.decode()

    answer = as_alice.post(url_of(unknown), {"action": "adopt", "name": "Nord"}, follow=True)

    assert Partner.objects.get().name == "Nord"
    assert status_of(unknown) == InterchangeStatus.ACCEPTED
    assert SSEProgress.objects.filter(actor__endswith="import_released").count() == 1
    assert "L’import a commencé." in answer.content.decode()


def test_importing_all_the_same_takes_a_reason(as_alice: Client, doubled: EdiFile) -> None:
    as_alice.post(url_of(doubled), {"action": "import", "reason": " "})
    assert status_of(doubled) == InterchangeStatus.QUARANTINED

    as_alice.post(url_of(doubled), {"action": "import", "reason": "New numbering."})

    assert status_of(doubled) == InterchangeStatus.ACCEPTED
    assert doubled.interchanges.get().decision == "New numbering."


def test_discarding_takes_none(as_alice: Client, doubled: EdiFile) -> None:
    as_alice.post(url_of(doubled), {"action": "discard"})

    assert status_of(doubled) == InterchangeStatus.DISCARDED


def test_what_is_decided_can_not_be_decided_again(as_alice: Client, doubled: EdiFile) -> None:
    as_alice.post(url_of(doubled), {"action": "discard"})

    answer = as_alice.post(url_of(doubled), {"action": "import", "reason": "x"}, follow=True)

    assert "plus rien à décider" in answer.content.decode()
    assert status_of(doubled) == InterchangeStatus.DISCARDED


def test_an_unknown_decision_changes_nothing(as_alice: Client, doubled: EdiFile) -> None:
    as_alice.post(url_of(doubled), {"action": "burn"})

    assert status_of(doubled) == InterchangeStatus.QUARANTINED


def test_a_known_order_is_decided_by_itself(as_alice: Client, alice: User) -> None:
    make_partner()
    imported(make_file(interchange(order()), alice))
    file = make_file(interchange(order(quantity="9"), reference="REF2"), alice)
    imported(file)
    message = EdiMessage.objects.get(interchange__file=file)
    url = reverse("edi:decide_message", args=[message.pk])
    assert url in as_alice.get(file.get_absolute_url()).content.decode()

    as_alice.post(url, {"action": "import"})

    message.refresh_from_db()
    assert (message.status, message.forced) == ("pending", True)
    assert "plus rien" in as_alice.post(url, {"action": "discard"}, follow=True).content.decode()


def test_somebody_elses_is_not_found(as_bob: Client, doubled: EdiFile) -> None:
    message = EdiMessage.objects.filter(interchange__file=doubled).get()

    assert as_bob.post(url_of(doubled), {"action": "discard"}).status_code == 404
    assert as_bob.post(reverse("edi:decide_message", args=[message.pk])).status_code == 404
    assert status_of(doubled) == InterchangeStatus.QUARANTINED


def test_they_only_answer_posting(as_alice: Client, doubled: EdiFile) -> None:
    assert as_alice.get(url_of(doubled)).status_code == 405
    assert as_alice.get(reverse("edi:decide_message", args=[1])).status_code == 405
