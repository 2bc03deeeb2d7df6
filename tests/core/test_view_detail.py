"""GET /core/sse-progress/<job_id>/."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core.models import SSEProgress


def url(job: SSEProgress) -> str:
    return reverse("core:sse_progress_detail", args=[job.job_id])


def test_it_answers_the_owner_with_the_snapshot_and_the_actions(
    client: Client, alice: User, job: SSEProgress
) -> None:
    client.force_login(alice)

    response = client.get(url(job))

    assert response.status_code == 200
    assert response.json()["job_id"] == job.job_id
    assert [a["name"] for a in response.json()["actions"]] == ["cancel"]
    assert response["Cache-Control"] == "private, no-cache"


def test_staff_may_look(client: Client, staff: User, job: SSEProgress) -> None:
    client.force_login(staff)

    assert client.get(url(job)).status_code == 200


def test_it_answers_304_until_the_job_moves(client: Client, alice: User, job: SSEProgress) -> None:
    client.force_login(alice)
    etag = client.get(url(job))["ETag"]

    same = client.get(url(job), headers={"If-None-Match": etag})
    job.mark_as_started()
    moved = client.get(url(job), headers={"If-None-Match": etag})

    assert (same.status_code, same.content) == (304, b"")
    assert moved.status_code == 200


def test_another_language_is_another_answer(client: Client, alice: User, job: SSEProgress) -> None:
    client.force_login(alice)
    etag = client.get(url(job), headers={"Accept-Language": "fr"})["ETag"]

    english = client.get(url(job), headers={"If-None-Match": etag, "Accept-Language": "en"})

    assert english.status_code == 200
    assert english.json()["lang"] == "en"


def test_a_stranger_gets_401_as_json_and_no_redirect(client: Client, job: SSEProgress) -> None:
    response = client.get(url(job))

    assert response.status_code == 401
    assert response.json()["error"]


def test_another_users_job_is_not_found(client: Client, bob: User, job: SSEProgress) -> None:
    client.force_login(bob)

    assert client.get(url(job)).status_code == 404


def test_a_job_that_does_not_exist_looks_the_same(
    client: Client, bob: User, job: SSEProgress
) -> None:
    client.force_login(bob)

    others, missing = client.get(url(job)), client.get("/core/sse-progress/no-such-job/")

    assert missing.status_code == 404
    assert missing.json() == others.json()


def test_it_only_reads(client: Client, alice: User, job: SSEProgress) -> None:
    client.force_login(alice)

    assert client.post(url(job)).status_code == 405
