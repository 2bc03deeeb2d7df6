"""The bar as the server renders it: what a reader sees before, or without, its script."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import F
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.statuses import Status

pytestmark = pytest.mark.django_db

PAGE = "/invoices/mailings/5/"
TAG = "{% load sse_progress %}{% sse_progress job %}"
INCLUDE = '{% include "core/sse_progress_bar.html" with job_id=job.job_id title="My title" %}'


def render(source: str, job: SSEProgress, user: User | AnonymousUser | None = None) -> str:
    request = RequestFactory().get(PAGE)
    request.user = user or job.user or AnonymousUser()
    with translation.override("en"):
        return Template(source).render(Context({"request": request, "job": job}))


def state_in(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json">(.*?)</script>', html)
    assert found is not None
    state: dict[str, Any] = json.loads(found[1])
    return state


@pytest.fixture
def half_done(job: SSEProgress) -> SSEProgress:
    return _become(job, Status.RUNNING, total_items=40, processed_items=20)


@pytest.fixture
def with_failure(job: SSEProgress) -> SSEProgress:
    JobItem.objects.create(
        job=job, key="7", ref="F7", outcome=Outcome.FAILED, code="refused", message="No such user"
    )
    links = [{"label": "Here", "href": PAGE}, {"label": "Elsewhere", "href": "/reports/5.pdf"}]
    return _become(
        job,
        Status.COMPLETED,
        total_items=40,
        processed_items=40,
        failed_items=1,
        result={"summary": "39 e-mails accepted", "links": links},
    )


def _become(job: SSEProgress, status: Status, **values: Any) -> SSEProgress:
    SSEProgress.objects.filter(pk=job.pk).update(status=status, **values)
    job.refresh_from_db()
    return job


def test_a_bar_that_is_ahead_of_the_rest_of_its_page_says_so(half_done: SSEProgress) -> None:
    source = "{% load sse_progress %}{% sse_progress job %}"
    assert "data-ahead" not in render(source, half_done)

    SSEProgress.objects.filter(pk=half_done.pk).update(seq=F("seq") + 1)

    assert "data-ahead" in render(source, half_done)


def test_a_running_job_is_told_in_words_and_as_a_bar(half_done: SSEProgress) -> None:
    html = render(TAG, half_done)

    assert 'data-state="running"' in html
    assert "<span>Running</span>" in html
    assert '<span class="sp-pct">50%</span>' in html
    assert 'value="50"' in html
    assert "20 of 40 items" in html
    assert f'href="{PAGE}">Refresh</a>' in html
    assert state_in(html)["current"] == 20


def test_a_job_that_has_not_begun_shows_no_number(job: SSEProgress) -> None:
    html = render(TAG, job)

    assert "<span>Waiting</span>" in html
    assert "sp-pct" not in html
    assert "value=" not in re.sub(r"<input[^>]*>", "", html)


def test_a_job_with_failures_names_them_and_their_reasons(with_failure: SSEProgress) -> None:
    html = render(TAG, with_failure)

    assert 'data-state="partial"' in html
    assert "Completed with errors" in html
    assert "39 e-mails accepted" in html
    assert "1 failed" in html
    assert "No such user" in html
    assert "Refresh" not in html


def test_a_result_does_not_link_to_the_page_that_shows_it(with_failure: SSEProgress) -> None:
    html = render(TAG, with_failure)

    assert 'href="/reports/5.pdf"' in html
    assert f'class="sp-btn" href="{PAGE}"' not in html


def test_a_form_asks_what_the_button_would_ask(half_done: SSEProgress) -> None:
    html = render(TAG, half_done)

    assert 'data-action="cancel" data-confirm="Stop this job? What is done stays done."' in html
    assert 'data-action="pause">' in html
    assert f'name="next" value="{PAGE}"' in html


def test_the_include_of_the_guide_takes_a_title(half_done: SSEProgress) -> None:
    html = render(INCLUDE, half_done)

    assert 'heading="My title"' in html
    assert re.search(r"<h3[^>]*>My title</h3>", html)


def test_the_style_sheet_is_linked_once_a_page(half_done: SSEProgress) -> None:
    head = "{% load sse_progress %}{% sse_progress_stylesheet %}"

    assert render(TAG + TAG, half_done).count("css/sse_progress.css") == 1
    assert render(head + TAG, half_done).count("css/sse_progress.css") == 1


def test_a_heading_fits_into_its_page(half_done: SSEProgress) -> None:
    source = "{% load sse_progress %}{% sse_progress job heading_level=2 hide_heading=True %}"

    html = render(source, half_done)

    assert re.search(r"<h2[^>]*>Counting</h2>", html)
    assert 'heading-level="2"' in html
    assert "hide-heading" in html


@pytest.mark.parametrize("source", [TAG, INCLUDE], ids=["tag", "include"])
def test_somebody_elses_job_shows_nothing_of_itself(
    half_done: SSEProgress, bob: User, source: str
) -> None:
    html = render(source, half_done, bob)

    assert "Counting" not in html
    assert "20 of 40" not in html
    assert "application/json" not in html
    assert "Waiting for this job to begin." in html


@pytest.mark.parametrize("job_id", ["no such job", "../../etc", "<b>", ""])
def test_an_id_that_can_be_no_jobs_waits_instead_of_failing(alice: User, job_id: str) -> None:
    request = RequestFactory().get(PAGE)
    request.user = alice
    source = '{% include "core/sse_progress_bar.html" with job_id=job_id %}'

    html = Template(source).render(Context({"request": request, "job_id": job_id}))

    assert "<sse-progress" in html
    assert "<b>" not in html
