"""A cast, jobs to work on, and the events that leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User

from apps.core.live import publisher as publishing
from apps.core.live.history import Outgoing
from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.tracker import ProgressTracker

Work = Callable[..., None]
Events = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password="alice")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", password="bob")


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_user("staff", password="staff", is_staff=True)


@pytest.fixture
def job(alice: User) -> SSEProgress:
    """A job that a worker may claim."""
    return SSEProgress.objects.create(
        user=alice, task_type="counting", title="Counting", actor="tests.count", queue="default"
    )


@pytest.fixture
def plain_job(alice: User) -> SSEProgress:
    """A job as the guide makes one."""
    return SSEProgress.objects.create(user=alice, task_type="email_sending", total_items=3)


@pytest.fixture(autouse=True)
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    """What is published, as (channel, kind, payload)."""
    sent: Events = []

    def keep(outgoing: Sequence[Outgoing]) -> None:
        for event in outgoing:
            sent.extend((channel, event.kind, json.loads(event.data)) for channel in event.channels)

    monkeypatch.setattr(publishing, "append_all", keep)
    monkeypatch.setattr(publishing, "publisher", publishing.Publisher())
    return sent


@pytest.fixture
def attempt(job: SSEProgress) -> Callable[[Work], SSEProgress]:
    """Make one attempt at the job with a function, and give the row as it then is."""

    def make(work: Callable[[ProgressTracker], None]) -> SSEProgress:
        run(job.job_id, work)
        job.refresh_from_db()
        return job

    return make
