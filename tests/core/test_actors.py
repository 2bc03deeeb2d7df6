"""Starting a job: the row first, the message on commit, and nothing in it but the job's id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dramatiq
import pytest
from django.contrib.auth.models import User
from django.db import transaction
from dramatiq.brokers.stub import StubBroker
from redis.exceptions import ConnectionError as ValkeyAway

from apps.core.actors import ProgressActor, progress_actor
from apps.core.errors import NotAJobError
from apps.core.models import SSEProgress
from apps.core.statuses import Status
from apps.core.testing import RecordingTracker
from apps.core.tracker import ProgressTracker


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    before = dramatiq.get_broker()
    stub = StubBroker(middleware=[])
    dramatiq.set_broker(stub)
    yield stub
    dramatiq.set_broker(before)


@pytest.fixture
def count_to(broker: StubBroker) -> ProgressActor[[int]]:
    @progress_actor(task_type="counting", queue_name="numbers", title="Counting", unit=("n", "ns"))
    def count_to(progress: ProgressTracker, limit: int) -> None:
        for _ in progress.track(range(limit)):
            pass

    return count_to


def queued(broker: StubBroker) -> list[Any]:
    return [dramatiq.Message.decode(raw) for raw in broker.queues["numbers"].queue]


def test_the_row_is_there_at_once_and_the_message_after_the_commit(
    count_to: ProgressActor[[int]],
    broker: StubBroker,
    alice: User,
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = count_to.start_for(alice, 5)
        assert queued(broker) == []
        assert SSEProgress.objects.get(pk=job.pk).status == Status.PENDING

    (message,) = queued(broker)
    assert (message.args, message.kwargs) == ((), {})
    assert message.options == {"progress_id": job.job_id}
    job.refresh_from_db()
    assert job.enqueued_at is not None
    assert job.args == {"args": [5], "kwargs": {}}


def test_a_rollback_starts_nothing(
    count_to: ProgressActor[[int]],
    broker: StubBroker,
    alice: User,
    django_capture_on_commit_callbacks: Any,
) -> None:
    class Rollback(Exception):
        pass

    def start_and_regret() -> None:
        with transaction.atomic():
            count_to.start_for(alice, 5)
            raise Rollback

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(Rollback):
        start_and_regret()

    assert queued(broker) == []
    assert not SSEProgress.objects.exists()


def test_with_the_broker_away_the_job_waits(
    count_to: ProgressActor[[int]],
    broker: StubBroker,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def away(message: Any, *, delay: int | None = None) -> None:
        raise ValkeyAway("no route")

    monkeypatch.setattr(broker, "enqueue", away)

    with django_capture_on_commit_callbacks(execute=True):
        job = count_to.start_for(alice, 5)

    job.refresh_from_db()
    assert (job.status, job.enqueued_at) == (Status.PENDING, None)


def test_sending_without_a_job_says_what_to_do_instead(count_to: ProgressActor[[int]]) -> None:
    with pytest.raises(NotAJobError, match="start_for"):
        count_to.send(5)
    with pytest.raises(NotAJobError, match="RecordingTracker"):
        count_to(5)


def test_the_plain_function_runs_without_worker_broker_or_database(
    count_to: ProgressActor[[int]],
) -> None:
    progress = RecordingTracker()

    count_to.fn(progress, 3)

    assert progress.total == 3
    assert progress.done == ["1", "2", "3"]
