"""Events leave at most once per interval, never before the commit, and never fail a job."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from redis.exceptions import ConnectionError as ValkeyAway

from apps.core.live import publisher as publishing
from apps.core.live.publisher import Publisher
from apps.core.models import SSEProgress

Events = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


def test_each_event_goes_to_the_job_and_to_its_owners_list(
    publisher: Publisher, job: SSEProgress, events: Events
) -> None:
    publisher.announce(job, "progress", urgent=False)

    assert [channel for channel, _, _ in events] == [
        f"progress-{job.job_id}",
        f"jobs-{job.user_id}",
    ]


def test_a_second_event_within_the_interval_is_owed_and_sent_by_the_pulse(
    publisher: Publisher, job: SSEProgress, events: Events, settings: Any
) -> None:
    settings.PROGRESS_FLUSH_SECONDS = 3600.0
    publisher.announce(job, "progress", urgent=False)
    job.message = "second"
    job.save()
    publisher.announce(job, "progress", urgent=False)
    assert len(events) == 2
    assert publisher.beat() is True  # owed, and not yet due

    publisher._next.clear()
    assert publisher.beat() is False

    assert len(events) == 4


def test_a_warning_is_not_hidden_by_the_progress_right_after_it(
    publisher: Publisher, job: SSEProgress, events: Events, settings: Any
) -> None:
    settings.PROGRESS_FLUSH_SECONDS = 3600.0
    publisher.announce(job, "start", urgent=True)
    publisher.announce(job, "warning", urgent=False)
    publisher.announce(job, "progress", urgent=False)

    publisher._next.clear()
    publisher.beat()

    assert [kind for _, kind, _ in events] == ["start", "start", "warning", "warning"]


def test_an_urgent_event_does_not_wait(
    publisher: Publisher, job: SSEProgress, events: Events
) -> None:
    publisher.announce(job, "progress", urgent=False)
    publisher.announce(job, "complete", urgent=True)

    assert [kind for _, kind, _ in events] == ["progress", "progress", "complete", "complete"]


def test_valkey_away_fails_nothing_and_the_state_is_sent_when_it_is_back(
    publisher: Publisher, job: SSEProgress, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    tried: list[str] = []

    def away(channel: str, kind: str, data: dict[str, Any]) -> None:
        tried.append(kind)
        raise ValkeyAway("no route")

    monkeypatch.setattr(publishing, "send_event", away)
    settings.PROGRESS_PUBLISH_PAUSE_SECONDS = 3600.0
    publisher.announce(job, "progress", urgent=True)
    publisher.announce(job, "complete", urgent=True)
    assert tried == ["progress"]  # not tried again while it is known to be away

    sent: list[str] = []
    monkeypatch.setattr(publishing, "send_event", lambda channel, kind, data: sent.append(kind))
    publisher._away_until = 0.0
    publisher._next.clear()
    publisher.beat()

    assert sent == ["complete", "complete"]


def test_what_a_rollback_takes_back_is_never_told(
    plain_job: SSEProgress, events: Events, django_capture_on_commit_callbacks: Any
) -> None:
    class Rollback(Exception):
        pass

    def start_and_regret() -> None:
        with transaction.atomic():
            plain_job.mark_as_started()
            raise Rollback

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(Rollback):
        start_and_regret()

    assert events == []
