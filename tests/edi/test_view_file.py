"""GET /edi/<pk>/, its downloads, its documents"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.edi.models import Document, EdiFile, Interchange
from apps.edi.reader import Message, read
from tests.edi.factories import imported, interchange, make_file, make_partner, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(alice: User) -> EdiFile:
    """Alice's file of three: one good, one with a bad number, one with a wrong count."""
    make_partner()
    found = make_file(
        interchange(order(), order("2", "PO2", quantity="10<20"), order("3", "PO3", count=9)),
        alice,
    )
    imported(found)
    return found


@pytest.fixture
def english(as_alice: Client) -> Client:
    as_alice.cookies["django_language"] = "en"
    return as_alice


def test_it_shows_the_failing_segment_and_what_was_announced(
    english: Client, file: EdiFile
) -> None:
    html = english.get(file.get_absolute_url()).content.decode()

    assert "QTY: “10&lt;20” is no number." in html
    assert "<code>QTY+21:10&lt;20:PCE&#x27;</code>" in html
    assert "segment 27, element 1, component 2" in html
    assert "UNT announces 9 segments, the message has 15." in html
    assert "code 29" in html
    assert file.job_id
    assert file.job_id in html


def test_it_is_french_too(as_alice: Client, file: EdiFile) -> None:
    html = as_alice.get(file.get_absolute_url()).content.decode()

    assert "UNT annonce 9 segments, le message en compte 15." in html


@pytest.mark.parametrize(("status", "count"), [("rejected", 2), ("", 3), ("nonsense", 3)])
def test_it_filters_by_state(as_alice: Client, file: EdiFile, status: str, count: int) -> None:
    page = as_alice.get(file.get_absolute_url(), {"status": status})

    assert len(page.context["rows"]) == count


def test_a_long_one_has_pages(as_alice: Client, alice: User) -> None:
    make_partner()
    found = make_file(interchange(*(order(str(n), f"P{n}") for n in range(55))), alice)
    imported(found)

    page = as_alice.get(found.get_absolute_url(), {"page": "2"})

    assert len(page.context["rows"]) == 5


def test_it_opens_before_the_job_has_begun_and_when_the_bytes_are_gone(
    as_alice: Client, alice: User, file: EdiFile
) -> None:
    fresh = make_file(b"", alice)
    assert as_alice.get(fresh.get_absolute_url()).status_code == 200

    file.content.delete(save=False)

    assert as_alice.get(file.get_absolute_url()).status_code == 200
    assert as_alice.get(reverse("edi:content", args=[file.pk])).status_code == 404


def test_the_file_comes_back_byte_for_byte_and_never_as_a_page(
    as_alice: Client, file: EdiFile
) -> None:
    answer = as_alice.get(reverse("edi:content", args=[file.pk]))

    assert b"".join(answer.streaming_content).startswith(b"UNB+UNOC:3")  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "application/octet-stream"
    assert "attachment" in answer["Content-Disposition"]


def test_the_acknowledgement_is_a_file(as_alice: Client, file: EdiFile) -> None:
    row = Interchange.objects.get()

    answer = as_alice.get(reverse("edi:acknowledgement", args=[row.pk]))

    (contrl,) = [each for each in read([answer.content]) if isinstance(each, Message)]
    assert (contrl.type, contrl.faults) == ("CONTRL", [])
    assert answer["Content-Disposition"] == f'attachment; filename="CONTRL-{row.pk}.edi"'


def test_without_an_acknowledgement_there_is_none(as_alice: Client, file: EdiFile) -> None:
    Interchange.objects.update(acknowledgement="")

    url = reverse("edi:acknowledgement", args=[Interchange.objects.get().pk])
    assert as_alice.get(url).status_code == 404


def test_a_document_shows_its_lines(as_alice: Client, file: EdiFile) -> None:
    html = as_alice.get(reverse("edi:document", args=[Document.objects.get().pk])).content.decode()

    assert "PO1" in html
    assert "CAFE MOULU 250G" in html
    assert "3,45" in html


def test_somebody_elses_is_not_found(as_bob: Client, as_staff: Client, file: EdiFile) -> None:
    urls = [
        file.get_absolute_url(),
        reverse("edi:content", args=[file.pk]),
        reverse("edi:acknowledgement", args=[Interchange.objects.get().pk]),
        reverse("edi:document", args=[Document.objects.get().pk]),
    ]

    assert [as_bob.get(url).status_code for url in urls] == [404] * 4
    assert [as_staff.get(url).status_code for url in urls] == [200] * 4


def test_a_missing_one_is_not_found(as_alice: Client) -> None:
    for name in ("file", "content", "acknowledgement", "document"):
        assert as_alice.get(reverse(f"edi:{name}", args=[4711])).status_code == 404


def test_they_only_answer_reading(as_alice: Client, file: EdiFile) -> None:
    assert as_alice.post(file.get_absolute_url()).status_code == 405
    assert as_alice.post(reverse("edi:content", args=[file.pk])).status_code == 405


def test_a_stranger_is_asked_to_log_in(client: Client, file: EdiFile) -> None:
    assert client.get(file.get_absolute_url()).status_code == 302
    assert client.get(reverse("edi:content", args=[file.pk])).status_code == 302
