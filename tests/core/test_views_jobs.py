"""The pages of jobs: they work, they are private, and they say what is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.statuses import Status
from apps.core.views.views_jobs import JOBS_PER_PAGE, LIVE_BARS

pytestmark = pytest.mark.django_db

LIST = "/core/jobs/"


@pytest.fixture
def claire() -> User:
    return User.objects.create_user("claire", first_name="Claire", last_name="Dumas")


@pytest.fixture
def reader(client: Client, claire: User) -> Client:
    client.force_login(claire)
    client.cookies["django_language"] = "en"
    return client


def make_job(user: User | None, status: Status = Status.COMPLETED, **values: Any) -> SSEProgress:
    now = timezone.now()
    return SSEProgress.objects.create(
        **{
            "user": user,
            "status": status,
            "task_type": "email_sending",
            "title": "Night run",
            "total_items": 20,
            "processed_items": 20 if status == Status.COMPLETED else 5,
            "started_at": now - timedelta(seconds=90),
            "finished_at": now if status == Status.COMPLETED else None,
            **values,
        }
    )


def html_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_the_readers_jobs(reader: Client, claire: User) -> None:
    job = make_job(claire, title="Mine alone")

    html = html_of(reader, LIST)

    assert "Mine alone" in html
    assert f'href="{job.get_absolute_url()}"' in html
    assert "1 min 30 s" in html


def test_the_list_hides_other_peoples_jobs(reader: Client) -> None:
    make_job(User.objects.create_user("karim"), title="Not for Claire")

    assert "Not for Claire" not in html_of(reader, LIST)


def test_staff_see_everybodys_jobs_and_whose_they_are(admin_client: Client, claire: User) -> None:
    make_job(claire, title="Of the company")

    html = html_of(admin_client, LIST)

    assert "Of the company" in html
    assert "Claire Dumas" in html


@pytest.mark.parametrize("url", [LIST, f"{LIST}some-job/"])
def test_a_stranger_is_asked_to_log_in(client: Client, url: str) -> None:
    answer = client.get(url)

    assert answer.status_code == 302
    assert answer["Location"] == f"{reverse('login')}?next={url}"


@pytest.mark.parametrize("url", [LIST, f"{LIST}some-job/"])
def test_the_pages_only_show(reader: Client, url: str) -> None:
    assert reader.post(url).status_code == 405


def test_an_empty_list_says_what_will_come(reader: Client) -> None:
    html = html_of(reader, LIST)

    assert "Nothing is running." in html
    assert "No job here yet." in html


def test_a_search_without_hits_says_so_and_shows_the_words_safely(
    reader: Client, claire: User
) -> None:
    make_job(claire)

    html = html_of(reader, f"{LIST}?q=%3Cb%3Enothing")

    assert "No job matches “&lt;b&gt;nothing”." in html
    assert "Night run" not in html


def test_jobs_under_way_have_a_live_bar(reader: Client, claire: User) -> None:
    running = make_job(claire, Status.RUNNING)

    assert f'job-id="{running.job_id}"' in html_of(reader, LIST)


def test_no_more_bars_than_one_stream_can_feed(reader: Client, claire: User) -> None:
    for _ in range(LIVE_BARS + 2):
        make_job(claire, Status.RUNNING)

    html = html_of(reader, LIST)

    assert html.count("<sse-progress") == LIVE_BARS
    assert f"{LIVE_BARS} of {LIVE_BARS + 2}" in html


def test_a_tab_keeps_only_its_jobs(reader: Client, claire: User) -> None:
    make_job(claire, title="All went well")
    make_job(claire, title="Three bounced", failed_items=3)

    html = html_of(reader, f"{LIST}?tab=errors")

    assert "Three bounced" in html
    assert "All went well" not in html
    assert "17 items, 3 failed" in html


@pytest.mark.parametrize("query", ["tab=nonsense", "page=99", "page=x", "tab=&page=&q="])
def test_a_nonsense_query_still_shows_the_list(reader: Client, claire: User, query: str) -> None:
    make_job(claire)

    assert "Night run" in html_of(reader, f"{LIST}?{query}")


def test_a_long_history_has_pages_that_keep_the_filter(reader: Client, claire: User) -> None:
    for _ in range(JOBS_PER_PAGE + 1):
        make_job(claire)

    html = html_of(reader, f"{LIST}?q=night")

    assert f"1 to {JOBS_PER_PAGE} of {JOBS_PER_PAGE + 1}" in html
    assert 'rel="next" href="?q=night&amp;page=2"' in html


def test_the_list_asks_no_more_of_the_database_for_more_jobs(
    reader: Client, claire: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(JOBS_PER_PAGE):
        make_job(claire, failed_items=1)

    with django_assert_max_num_queries(12):
        reader.get(LIST)


def test_a_job_shows_its_facts_and_its_ledger(reader: Client, claire: User) -> None:
    job = make_job(claire, failed_items=1)
    JobItem.objects.create(
        job=job,
        key="7",
        ref="F-2026-0007",
        outcome=Outcome.FAILED,
        code="refused",
        message="The server refused %(address)s.",
        params={"address": "nobody@example.org"},
    )

    html = html_of(reader, job.get_absolute_url())

    assert f'job-id="{job.job_id}"' in html
    assert "F-2026-0007" in html
    assert "The server refused nobody@example.org." in html
    assert reverse("core:sse_progress_items", args=[job.job_id]) in html


def test_a_ledger_can_be_narrowed_to_one_outcome(reader: Client, claire: User) -> None:
    job = make_job(claire)
    JobItem.objects.create(job=job, key="1", ref="refused-one", outcome=Outcome.FAILED)
    JobItem.objects.create(job=job, key="2", ref="skipped-one", outcome=Outcome.SKIPPED)

    html = html_of(reader, f"{job.get_absolute_url()}?outcome=skipped")

    table = html[html.index("<tbody>") : html.index("</tbody>")]
    assert "skipped-one" in table
    assert "refused-one" not in table


def test_a_job_without_notable_items_has_no_ledger(reader: Client, claire: User) -> None:
    assert "ledger-title" not in html_of(reader, make_job(claire).get_absolute_url())


def test_somebody_elses_job_is_not_there(reader: Client) -> None:
    job = make_job(User.objects.create_user("karim"))

    assert reader.get(job.get_absolute_url()).status_code == 404


def test_a_job_that_never_was_is_not_there(reader: Client) -> None:
    assert reader.get(f"{LIST}no-such-job/").status_code == 404


def test_staff_may_look_at_anybodys_job(admin_client: Client, claire: User) -> None:
    assert admin_client.get(make_job(claire).get_absolute_url()).status_code == 200
