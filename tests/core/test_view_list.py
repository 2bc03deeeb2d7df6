"""GET /core/sse-progress/."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core.models import SSEProgress

URL = "/core/sse-progress/"


def test_it_lists_the_readers_own_jobs_and_nobody_elses(
    client: Client, alice: User, bob: User, job: SSEProgress
) -> None:
    SSEProgress.objects.create(user=bob, task_type="his")
    client.force_login(alice)

    response = client.get(reverse("core:sse_progress_list"))

    assert [j["job_id"] for j in response.json()["jobs"]] == [job.job_id]


def test_a_stranger_gets_401(client: Client, db: None) -> None:
    assert client.get(URL).status_code == 401


def test_it_only_reads(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert client.post(URL).status_code == 405
