"""What people decide about what is in quarantine."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from apps.edi import decisions
from apps.edi.errors import NotDecidableError
from apps.edi.models import (
    Document,
    DocumentStatus,
    EdiMessage,
    FileStatus,
    Interchange,
    InterchangeStatus,
    MessageStatus,
    Partner,
)
from tests.edi.factories import (
    imported,
    interchange,
    make_file,
    make_partner,
    make_user,
    order,
    released,
    statuses,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return make_user()


def quarantined() -> Interchange:
    """An interchange whose reference is here already."""
    make_partner()
    imported(make_file(interchange(order())))
    second = make_file(interchange(order(number="PO2")))
    imported(second)
    return second.interchanges.get()


def test_an_unknown_sender_becomes_a_partner_at_a_click(alice: User) -> None:
    file = make_file(interchange(order()))
    imported(file)

    job = decisions.adopt(file.interchanges.get(), "Centrale Nord", alice)

    assert job is not None
    assert len(released(job.job_id, file.interchanges.get().pk).done) == 1
    assert Partner.objects.get().name == "Centrale Nord"
    assert Document.objects.get().number == "PO1"
    file.refresh_from_db()
    assert file.status == FileStatus.IMPORTED


def test_a_new_partners_wrong_envelope_is_refused_after_all(alice: User) -> None:
    file = make_file(interchange(order(), found=7))
    imported(file)

    assert decisions.adopt(file.interchanges.get(), "Centrale Nord", alice) is None

    assert file.interchanges.get().status == InterchangeStatus.REJECTED


def test_a_used_reference_is_imported_with_a_reason(alice: User) -> None:
    found = quarantined()

    job = decisions.release(found, alice, "They began to count anew.")

    assert job is not None
    released(job.job_id, found.pk)
    found.refresh_from_db()
    assert found.status == InterchangeStatus.IMPORTED
    assert (found.decided_by, found.decision) == (alice, "They began to count anew.")
    assert Document.objects.count() == 2


def test_or_it_is_discarded_and_the_partner_told(alice: User) -> None:
    found = quarantined()

    decisions.discard(found, alice)

    found.refresh_from_db()
    assert found.status == InterchangeStatus.DISCARDED
    assert "+4+26'" in found.acknowledgement
    assert Document.objects.count() == 1


def test_nothing_is_decided_twice(alice: User) -> None:
    found = quarantined()
    decisions.discard(found, alice)

    with pytest.raises(NotDecidableError):
        decisions.release(found, alice, "Because.")
    with pytest.raises(NotDecidableError):
        decisions.discard(found, alice)


def known_order() -> EdiMessage:
    make_partner()
    imported(make_file(interchange(order())))
    second = make_file(interchange(order(quantity="9"), reference="REF2"))
    imported(second)
    return EdiMessage.objects.get(status=MessageStatus.QUARANTINED)


def test_a_known_order_is_imported_in_its_place(alice: User) -> None:
    message = known_order()

    job = decisions.decide_message(message, alice, take=True)

    assert job is not None
    released(job.job_id, message.interchange_id)
    old, new = Document.objects.order_by("pk")
    assert (old.status, new.status) == (DocumentStatus.REPLACED, DocumentStatus.ACTIVE)
    assert message.interchange.file.interchanges.get().status == InterchangeStatus.IMPORTED


def test_a_known_order_is_discarded(alice: User) -> None:
    message = known_order()

    assert decisions.decide_message(message, alice, take=False) is None

    assert statuses(message.interchange.file) == [MessageStatus.DISCARDED]
    assert Document.objects.count() == 1
    with pytest.raises(NotDecidableError):
        decisions.decide_message(message, alice, take=True)
