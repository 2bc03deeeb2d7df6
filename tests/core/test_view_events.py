"""GET /core/events/: who may open a stream. What a stream carries is in test_live.py."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from apps.core.live.hub import open_streams
from apps.core.models import SSEProgress

URL = "/core/events/"


def ask(client: Client, *channels: str, **extra: Any) -> Any:
    return client.get(URL, {"channel": list(channels), **extra})


def test_a_stranger_gets_401(client: Client, job: SSEProgress) -> None:
    assert ask(client, f"progress-{job.job_id}").status_code == 401


def test_another_users_job_is_forbidden(client: Client, bob: User, job: SSEProgress) -> None:
    client.force_login(bob)

    assert ask(client, f"progress-{job.job_id}").status_code == 403


def test_one_forbidden_channel_among_others_closes_all(
    client: Client, bob: User, job: SSEProgress
) -> None:
    own = SSEProgress.objects.create(user=bob, task_type="own")
    client.force_login(bob)

    assert ask(client, f"progress-{own.job_id}", f"progress-{job.job_id}").status_code == 403


@pytest.mark.parametrize("channel", ["progress-nobody", "jobs-0", "anything", "events_channel", ""])
def test_what_no_rule_allows_is_forbidden(client: Client, staff: User, channel: str) -> None:
    client.force_login(staff)

    assert ask(client, channel).status_code == 403


def test_a_signed_es_meta_is_no_way_round(client: Client, bob: User, job: SSEProgress) -> None:
    import jwt
    from django.conf import settings

    meta = {"exp": 4_000_000_000, "user": "anonymous", "channels": [f"progress-{job.job_id}"]}
    token = jwt.encode(meta, settings.SECRET_KEY, algorithm="HS256")

    assert client.get(URL, {"es-meta": token}).status_code == 401
    client.force_login(bob)
    assert client.get(URL, {"es-meta": token}).status_code == 400


def test_no_channel_and_too_many_are_refused(client: Client, alice: User) -> None:
    client.force_login(alice)
    many = [
        f"progress-{SSEProgress.objects.create(user=alice, task_type='x').pk}" for _ in range(11)
    ]

    assert ask(client).status_code == 400
    assert ask(client, *many).status_code == 400


def test_it_only_reads(client: Client, alice: User) -> None:
    client.force_login(alice)

    assert client.post(URL).status_code == 405


def test_under_wsgi_it_says_that_it_cannot(client: Client, alice: User, job: SSEProgress) -> None:
    client.force_login(alice)

    response = ask(client, f"progress-{job.job_id}")

    assert response.status_code == 501
    assert "ASGI" in response.json()["error"]


@pytest.mark.parametrize("last_id", ["error", "c1:abc", "::::", "a" * 5000, "progress-x:9"])
def test_a_malformed_last_event_id_breaks_nothing(
    alice: User, job: SSEProgress, last_id: str
) -> None:
    client = AsyncClient()
    client.force_login(alice)

    response = _open(client, job, {"Last-Event-ID": last_id})

    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    assert response["X-Accel-Buffering"] == "no"


def test_too_many_streams_of_one_user_are_refused(
    alice: User, job: SSEProgress, settings: Any
) -> None:
    settings.PROGRESS_STREAMS_PER_USER = 1
    client = AsyncClient()
    client.force_login(alice)

    open_streams.opened(alice.pk)
    try:
        response = _open(client, job, {})
    finally:
        open_streams.closed(alice.pk)

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0


def _open(client: AsyncClient, job: SSEProgress, headers: dict[str, str]) -> Any:
    """Open a stream under ASGI, and read none of it."""
    from asgiref.sync import async_to_sync

    return async_to_sync(client.get)(URL, {"channel": f"progress-{job.job_id}"}, headers=headers)
