"""POST /core/sse-progress/<job_id>/decide/, and its buttons on the job's page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.statuses import Status

JSON = {"Accept": "application/json"}


@pytest.fixture
def over(job: SSEProgress) -> SSEProgress:
    """A job that is over, with two of five items in doubt."""
    SSEProgress.objects.filter(pk=job.pk).update(
        status=Status.COMPLETED, total_items=5, processed_items=5, in_doubt_items=2
    )
    for key in ("3", "4"):
        JobItem.objects.create(job=job, key=key, ref=f"F-{key}", outcome=Outcome.IN_DOUBT)
    job.refresh_from_db()
    return job


def url(job: SSEProgress) -> str:
    return reverse("core:sse_progress_decide", args=[job.job_id])


def pk_of(job: SSEProgress, key: str) -> int:
    return job.items.get(key=key).pk


@pytest.mark.parametrize(
    ("decision", "status", "counts"),
    [
        ("again", "pending", {"done": 3, "skipped": 0, "failed": 0, "in_doubt": 1, "left": 1}),
        ("done", "completed", {"done": 4, "skipped": 0, "failed": 0, "in_doubt": 1, "left": 0}),
        ("skip", "completed", {"done": 3, "skipped": 1, "failed": 0, "in_doubt": 1, "left": 0}),
    ],
)
def test_one_item_is_decided(
    client: Client,
    alice: User,
    over: SSEProgress,
    *,
    decision: str,
    status: str,
    counts: dict[str, int],
) -> None:
    client.force_login(alice)

    answer = client.post(url(over), {"decision": decision, "key": pk_of(over, "3")}, headers=JSON)

    assert answer.status_code == 200
    assert answer.json()["status"] == status
    assert answer.json()["counts"] == counts
    assert over.items.get(key="3").decided_by == alice


def test_all_items_are_decided(client: Client, staff: User, over: SSEProgress) -> None:
    client.force_login(staff)

    answer = client.post(url(over), {"decision": "done", "all": "1"}, headers=JSON)

    assert answer.json()["counts"]["in_doubt"] == 0
    assert {item.decided_by for item in over.items.all()} == {staff}


def test_a_form_goes_back_to_the_page_which_says_what_happened(
    client: Client, alice: User, over: SSEProgress
) -> None:
    client.force_login(alice)
    client.cookies["django_language"] = "en"
    page = over.get_absolute_url()

    answer = client.post(
        url(over), {"decision": "skip", "all": "1", "next": f"{page}?page=1#ledger"}, follow=True
    )

    assert answer.redirect_chain == [(f"{page}?page=1#ledger", 302)]
    assert "2 items skipped." in answer.content.decode()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"decision": "explode", "all": "1"},
        {"decision": "done"},
        {"decision": "done", "key": "one"},
        {"decision": "done", "key": "9" * 30},
        {"decision": "done", "key": "1", "all": "1"},
    ],
)
def test_nonsense_is_refused_and_changes_nothing(
    client: Client, alice: User, over: SSEProgress, fields: dict[str, Any]
) -> None:
    client.force_login(alice)

    assert client.post(url(over), fields, headers=JSON).status_code == 400
    assert over.items.filter(outcome=Outcome.IN_DOUBT).count() == 2


def test_an_item_that_is_not_the_jobs_is_not_found(
    client: Client, alice: User, over: SSEProgress, plain_job: SSEProgress
) -> None:
    other = JobItem.objects.create(job=plain_job, key="1", outcome=Outcome.IN_DOUBT)
    client.force_login(alice)

    answer = client.post(url(over), {"decision": "done", "key": other.pk}, headers=JSON)

    assert answer.status_code == 404


def test_a_job_at_work_is_refused(client: Client, alice: User, over: SSEProgress) -> None:
    SSEProgress.objects.filter(pk=over.pk).update(status=Status.RUNNING)
    client.force_login(alice)

    answer = client.post(url(over), {"decision": "done", "all": "1"}, headers=JSON)

    assert answer.status_code == 409
    assert answer.json()["error"]


def test_deciding_twice_is_refused_the_second_time(
    client: Client, alice: User, over: SSEProgress
) -> None:
    client.force_login(alice)
    fields = {"decision": "done", "key": pk_of(over, "3")}
    client.post(url(over), fields, headers=JSON)

    assert client.post(url(over), fields, headers=JSON).status_code == 409
    over.refresh_from_db()
    assert over.books.done == 4


def test_another_users_job_is_not_found(client: Client, bob: User, over: SSEProgress) -> None:
    client.force_login(bob)

    answer = client.post(url(over), {"decision": "done", "all": "1"}, headers=JSON)

    assert answer.status_code == 404
    assert over.items.filter(outcome=Outcome.IN_DOUBT).count() == 2


def test_a_stranger_gets_401(client: Client, over: SSEProgress) -> None:
    assert client.post(url(over), {"decision": "done", "all": "1"}).status_code == 401


def test_it_needs_a_post(client: Client, alice: User, over: SSEProgress) -> None:
    client.force_login(alice)

    assert client.get(url(over)).status_code == 405


def test_it_needs_the_csrf_token(alice: User, over: SSEProgress) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    answer = client.post(url(over), {"decision": "done", "all": "1"}, headers=JSON)

    assert answer.status_code == 403


def test_the_page_offers_the_decisions_for_each_item_and_for_all(
    client: Client, alice: User, over: SSEProgress
) -> None:
    client.force_login(alice)
    client.cookies["django_language"] = "en"

    html = client.get(over.get_absolute_url()).content.decode()

    assert html.count(f'action="{url(over)}"') == 3
    assert "2 items are in doubt" in html
    for words in ("Do again", "Mark as done", "Skip", "Do all again", "Skip all"):
        assert words in html


def test_the_page_of_a_job_at_work_offers_none(
    client: Client, alice: User, over: SSEProgress
) -> None:
    SSEProgress.objects.filter(pk=over.pk).update(status=Status.RUNNING)
    client.force_login(alice)
    client.cookies["django_language"] = "en"

    html = client.get(over.get_absolute_url()).content.decode()

    assert url(over) not in html
    assert "You can decide once the job is over or paused." in html


def test_the_page_tells_who_decided(client: Client, alice: User, over: SSEProgress) -> None:
    client.force_login(alice)
    client.cookies["django_language"] = "en"
    client.post(url(over), {"decision": "done", "all": "1"})

    html = client.get(over.get_absolute_url()).content.decode()

    assert "Marked as done – alice" in html
    assert url(over) not in html
