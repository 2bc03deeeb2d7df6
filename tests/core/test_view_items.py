"""GET /core/sse-progress/<job_id>/items.csv."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.core.models import JobItem, Outcome, SSEProgress


def url(job: SSEProgress) -> str:
    return reverse("core:sse_progress_items", args=[job.job_id])


def test_it_gives_the_ledger_with_nothing_a_spreadsheet_would_run(
    client: Client, alice: User, job: SSEProgress
) -> None:
    JobItem.objects.create(
        job=job,
        key="1",
        ref="F-1",
        outcome=Outcome.FAILED,
        code="550",
        message="=cmd|' /C calc'!A0",
    )
    client.force_login(alice)

    response = client.get(url(job))

    lines = response.getvalue().decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("F-1;")
    assert ";'=cmd" in lines[1]


def test_another_users_ledger_is_not_found(client: Client, bob: User, job: SSEProgress) -> None:
    client.force_login(bob)

    assert client.get(url(job)).status_code == 404


def test_a_stranger_gets_401(client: Client, job: SSEProgress) -> None:
    assert client.get(url(job)).status_code == 401


def test_it_only_reads(client: Client, alice: User, job: SSEProgress) -> None:
    client.force_login(alice)

    assert client.post(url(job)).status_code == 405
