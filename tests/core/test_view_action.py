"""POST /core/sse-progress/<job_id>/<action>/."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core.models import SSEProgress
from apps.core.statuses import Status

JSON = {"Accept": "application/json"}


def url(job: SSEProgress, action: str) -> str:
    return reverse("core:sse_progress_action", args=[job.job_id, action])


def test_cancelling_a_waiting_job_takes_effect_at_once(
    client: Client, alice: User, job: SSEProgress
) -> None:
    client.force_login(alice)

    response = client.post(url(job, "cancel"), headers=JSON)

    assert response.json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        (Status.RUNNING, "cancel", Status.CANCELLING),
        (Status.RUNNING, "pause", Status.PAUSING),
        (Status.PAUSED, "cancel", Status.CANCELLED),
        (Status.PAUSED, "resume", Status.PENDING),
        (Status.FAILED, "retry", Status.PENDING),
        (Status.EXPIRED, "retry", Status.PENDING),
        (Status.CANCELLED, "retry", Status.PENDING),
    ],
)
def test_each_verb_moves_the_job(
    client: Client, job: SSEProgress, *, before: Status, action: str, after: Status
) -> None:
    assert job.user is not None
    alice = job.user
    SSEProgress.objects.filter(pk=job.pk).update(status=before)
    client.force_login(alice)

    response = client.post(url(job, action), headers=JSON)

    assert response.status_code == 200
    assert response.json()["status"] == after


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (Status.COMPLETED, "cancel"),
        (Status.CANCELLING, "cancel"),
        (Status.PENDING, "pause"),
        (Status.RUNNING, "resume"),
        (Status.RUNNING, "retry"),
    ],
)
def test_what_is_not_possible_now_is_refused_and_changes_nothing(
    client: Client, alice: User, job: SSEProgress, status: Status, action: str
) -> None:
    SSEProgress.objects.filter(pk=job.pk).update(status=status)
    client.force_login(alice)

    response = client.post(url(job, action), headers=JSON)

    job.refresh_from_db()
    assert response.status_code == 409
    assert response.json()["error"]
    assert job.status == status


def test_a_completed_job_without_failures_has_nothing_to_retry(
    client: Client, alice: User, job: SSEProgress
) -> None:
    SSEProgress.objects.filter(pk=job.pk).update(
        status=Status.COMPLETED, total_items=2, processed_items=2
    )
    client.force_login(alice)

    assert client.post(url(job, "retry"), headers=JSON).status_code == 409


def test_a_plain_job_has_nobody_who_could_obey(
    client: Client, alice: User, plain_job: SSEProgress
) -> None:
    client.force_login(alice)

    assert client.post(url(plain_job, "cancel"), headers=JSON).status_code == 409


def test_a_form_goes_on_to_the_page_it_names(client: Client, alice: User, job: SSEProgress) -> None:
    client.force_login(alice)

    response = client.post(url(job, "cancel"), {"next": "/core/jobs/"})

    assert (response.status_code, response["Location"]) == (302, "/core/jobs/")


def test_a_form_is_not_sent_to_somebody_elses_site(
    client: Client, alice: User, job: SSEProgress
) -> None:
    client.force_login(alice)

    response = client.post(url(job, "cancel"), {"next": "https://evil.example/"})

    assert response["Location"] == job.get_absolute_url()


def test_another_users_job_is_not_found(client: Client, bob: User, job: SSEProgress) -> None:
    client.force_login(bob)

    assert client.post(url(job, "cancel"), headers=JSON).status_code == 404
    job.refresh_from_db()
    assert job.status == Status.PENDING


def test_an_unknown_verb_is_not_found(client: Client, alice: User, job: SSEProgress) -> None:
    client.force_login(alice)

    assert client.post(url(job, "explode"), headers=JSON).status_code == 404


def test_a_stranger_gets_401(client: Client, job: SSEProgress) -> None:
    assert client.post(url(job, "cancel")).status_code == 401


def test_it_needs_a_post(client: Client, alice: User, job: SSEProgress) -> None:
    client.force_login(alice)

    assert client.get(url(job, "cancel")).status_code == 405


def test_it_needs_the_csrf_token(alice: User, job: SSEProgress) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    assert client.post(url(job, "cancel"), headers=JSON).status_code == 403
