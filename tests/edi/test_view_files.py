"""GET /edi/"""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core.models import SSEProgress
from apps.edi.models import EdiFile
from tests.edi.factories import imported, interchange, make_file, make_partner, order

pytestmark = pytest.mark.django_db
URL = "/edi/"


def names(client: Client, **query: str) -> list[str]:
    return [row.file.name for row in client.get(URL, query).context["rows"]]


def test_it_lists_the_files_with_what_became_of_them(as_alice: Client, alice: User) -> None:
    make_partner()
    imported(make_file(interchange(order(), order("2", "PO2", count=9)), alice, "one.edi"))
    make_file(interchange(order(), reference="REF2"), alice, "two.edi")

    page = as_alice.get(URL)

    two, one = page.context["rows"]
    assert (two.file.name, two.messages) == ("two.edi", 0)
    assert (one.file.name, one.imported, one.messages) == ("one.edi", 1, 2)
    assert one.sender == "Centrale Nord"
    assert {tab.name: tab.count for tab in page.context["tabs"]} == {
        "": 2,
        "decide": 0,
        "trouble": 1,
        "imported": 0,
    }
    assert page.content.decode().count("<sse-progress") == 2


def test_it_filters_and_searches(as_alice: Client, alice: User) -> None:
    imported(make_file(interchange(order()), alice, "one.edi"))
    make_file(interchange(order(), reference="REF2"), alice, "two.edi")

    assert names(as_alice, tab="decide") == ["one.edi"]
    assert names(as_alice, q="TWO") == ["two.edi"]
    assert names(as_alice, q="30123") == ["one.edi"]
    assert names(as_alice, tab="nonsense", page="99") == ["two.edi", "one.edi"]


def test_names_are_escaped(as_alice: Client, alice: User) -> None:
    make_file(interchange(order()), alice, "<b>&.edi")

    html = as_alice.get(URL).content.decode()

    assert "<b>&.edi" not in html
    assert "&lt;b&gt;&amp;.edi" in html


def test_it_carries_no_inline_style_or_script(as_alice: Client, alice: User) -> None:
    file = make_file(interchange(order(), order("2", "PO2", quantity="x")), alice)
    imported(file)

    for url in (URL, file.get_absolute_url()):
        html = as_alice.get(url).content.decode()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=", html), url


def test_others_see_nothing_of_it_and_staff_all(
    as_bob: Client, as_staff: Client, alice: User
) -> None:
    make_file(interchange(order()), alice)

    assert names(as_bob) == []
    assert names(as_staff) == ["orders.edi"]


def test_a_stranger_is_asked_to_log_in(client: Client) -> None:
    assert client.get(URL)["Location"] == f"{reverse('login')}?next={URL}"


def test_it_only_answers_reading(as_alice: Client) -> None:
    assert as_alice.post(URL).status_code == 405


def test_what_a_cancelled_job_has_left_is_told_as_it_is(as_alice: Client, alice: User) -> None:
    make_partner()
    file = make_file(interchange(order()), alice)
    EdiFile.objects.filter(pk=file.pk).update(status="scanned")
    SSEProgress.objects.update(status="cancelled")

    (row,) = as_alice.get(URL).context["rows"]

    assert (row.pill.label, row.pill.icon) == ("importé en partie", "barred")
