"""POST /edi/upload/"""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from apps.core.models import SSEProgress
from apps.edi.models import EdiFile
from tests.edi.factories import interchange, order

pytestmark = pytest.mark.django_db
URL = "/edi/upload/"
JSON = {"Accept": "application/json"}


def a_file(name: str = "orders.edi", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data if data is not None else interchange(order()))


def test_a_file_starts_an_import_and_leads_to_its_page(as_alice: Client) -> None:
    answer = as_alice.post(URL, {"files": [a_file()]})

    file = EdiFile.objects.get()
    assert answer["Location"] == file.get_absolute_url()
    assert (file.name, file.size) == ("orders.edi", len(interchange(order())))
    with file.content.open("rb") as content:
        assert content.read() == interchange(order())
    job = SSEProgress.objects.get()
    assert file.job == job
    assert job.args["kwargs"] == {"file_id": file.pk}


def test_many_files_are_many_imports(as_alice: Client) -> None:
    answer = as_alice.post(URL, {"files": [a_file("a.edi"), a_file("b.edi")]}, follow=True)

    assert answer.redirect_chain == [(reverse("edi:list"), 302)]
    assert "2 fichiers reçus." in answer.content.decode()
    assert SSEProgress.objects.count() == 2


def test_a_script_is_answered_in_json(as_alice: Client) -> None:
    answer = as_alice.post(URL, {"files": [a_file()]}, headers=JSON)

    file = EdiFile.objects.get()
    assert answer.json() == {
        "success": True,
        "files": [{"job_id": file.job_id, "name": "orders.edi", "url": file.get_absolute_url()}],
    }


def test_a_name_is_never_a_path(as_alice: Client) -> None:
    as_alice.post(URL, {"files": [a_file("../../etc/pass\twd\u202e.edi")]})

    file = EdiFile.objects.get()
    assert "/" not in file.name
    assert "\u202e" not in file.name
    assert str(file.content.name).startswith("edi/")
    assert "pass" not in str(file.content.name)


def test_too_large_a_file_is_refused_with_both_sizes(as_alice: Client, settings: Settings) -> None:
    settings.EDI_MAX_BYTES = 100

    answer = as_alice.post(URL, {"files": [a_file()]}, headers=JSON)

    assert answer.status_code == 413
    assert "orders.edi" in answer.json()["error"]
    assert not EdiFile.objects.exists()


def test_no_file_is_said(as_alice: Client) -> None:
    assert as_alice.post(URL, headers=JSON).status_code == 400
    assert "Aucun fichier" in as_alice.post(URL, follow=True).content.decode()


def test_an_empty_file_is_received_and_refused_by_its_import(as_alice: Client) -> None:
    answer = as_alice.post(URL, {"files": [a_file(data=b"")]}, headers=JSON)

    assert answer.status_code in (200, 400)


def test_a_stranger_is_asked_to_log_in(client: Client) -> None:
    assert client.post(URL, {"files": [a_file()]}, headers=JSON).status_code == 401
    assert "/accounts/login/" in client.post(URL, {"files": [a_file()]})["Location"]
    assert not EdiFile.objects.exists()


def test_it_only_answers_posting(as_alice: Client) -> None:
    assert as_alice.get(URL).status_code == 405
