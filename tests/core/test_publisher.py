"""Events leave at most once per interval, never before the commit, and never fail a job."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import transaction
from redis import Redis
from redis.exceptions import ConnectionError as ValkeyAway

from apps.core.live import history
from apps.core.live import publisher as publishing
from apps.core.live.breaker import Breaker, breaker
from apps.core.live.history import Outgoing
from apps.core.live.publisher import Publisher
from apps.core.live.storage import append_all
from apps.core.models import SSEProgress
from apps.core.pulse import pulse

Events = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture(autouse=True)
def closed_breaker() -> Iterator[None]:
    breaker.close()
    yield
    breaker.close()


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


def test_a_deleted_job_owes_nothing(
    publisher: Publisher, job: SSEProgress, events: Events, settings: Any
) -> None:
    settings.PROGRESS_FLUSH_SECONDS = 3600.0
    publisher.announce(job, "start", urgent=True)
    publisher.announce(job, "progress", urgent=False)
    SSEProgress.objects.all().delete()
    publisher._next.clear()

    assert publisher.beat() is False


class TestValkeyAway:
    """It is tried once per pause, when the pulse beats; the state is sent when it is back."""

    @pytest.fixture
    def tried(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[str]:
        settings.PROGRESS_PULSE = True
        settings.PROGRESS_PUBLISH_PAUSE_SECONDS = 3600.0
        tried: list[str] = []

        def away(_client: Redis, outgoing: Sequence[Outgoing]) -> None:
            tried.extend(event.kind for event in outgoing)
            raise ValkeyAway("no route")

        monkeypatch.setattr(pulse, "join", lambda member: None)
        monkeypatch.setattr(publishing, "append_all", append_all)
        monkeypatch.setattr(history, "append_all", away)
        return tried

    def test_no_job_tries_again(
        self, publisher: Publisher, job: SSEProgress, tried: list[str]
    ) -> None:
        publisher.announce(job, "progress", urgent=True)
        assert publisher.flush(5)
        for _ in range(100):
            publisher.announce(job, "complete", urgent=True)

        assert publisher.flush(5)
        assert tried == ["progress"]

    def test_the_pulse_tries_again_and_sends_the_newest_state(
        self,
        publisher: Publisher,
        job: SSEProgress,
        tried: list[str],
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        publisher.announce(job, "progress", urgent=True)
        assert publisher.flush(5)
        publisher.announce(job, "complete", urgent=True)
        assert publisher.beat() is True
        assert tried == ["progress"]  # the pause is not over

        sent: list[str] = []

        def back(_client: Redis, outgoing: Sequence[Outgoing]) -> None:
            for event in outgoing:
                sent.extend(f"{name.split('-')[0]} {event.kind}" for name in event.channels)

        monkeypatch.setattr(history, "append_all", back)
        monkeypatch.setattr(Breaker, "is_due", True)
        monkeypatch.setattr(Breaker, "may_try", lambda self: True)
        publisher._next.clear()

        assert publisher.beat() is False
        assert publisher.flush(5)
        assert sent == ["progress complete", "jobs complete"]


@pytest.mark.integration
@pytest.mark.parametrize("trouble", ["dead", "hanging", "refusing"])
def test_an_outage_costs_a_job_next_to_nothing(
    job: SSEProgress,
    trouble: str,
    valkey_url: str,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher = Publisher()
    socket = valkey_url.removeprefix("unix://").partition("?")[0]
    settings.EVENTSTREAM_REDIS = {"unix_socket_path": socket, "socket_timeout": 0.2}
    settings.PROGRESS_PULSE = True
    settings.PROGRESS_PUBLISH_PAUSE_SECONDS = 3600.0
    monkeypatch.setattr(pulse, "join", lambda member: None)
    monkeypatch.setattr(publishing, "append_all", append_all)
    pid = _pid_of(Redis(unix_socket_path=socket))
    if trouble == "dead":
        settings.EVENTSTREAM_REDIS = {"unix_socket_path": "/nowhere/valkey.sock"}
    elif trouble == "refusing":
        Redis(unix_socket_path=socket).config_set("maxmemory", 1)
    else:
        publisher.announce(job, "start", urgent=True)
        assert publisher.flush(5)
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for _ in range(1000):
            publisher.announce(job, "progress", urgent=True)
        took = time.monotonic() - began
        assert publisher.flush(5)
    finally:
        os.kill(pid, signal.SIGCONT)
        Redis(unix_socket_path=socket).config_set("maxmemory", 0)

    assert breaker.is_open
    # A thousand of them: it is the order of magnitude that counts, on however busy a machine.
    assert took < 1.0
    assert publisher._owed == {job.job_id: "progress"}


def _pid_of(client: Redis) -> int:
    pid = int(client.info("server")["process_id"])
    assert "valkey" in Path(psutil.Process(pid).exe()).name
    return pid


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
