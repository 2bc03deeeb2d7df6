"""What is old goes, with all it left behind; what still works stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import ProtectedError
from django.utils import timezone
from pytest_django import Settings

from apps.core import retention, shutdown
from apps.core.models import JobItem, Outcome, SSEProgress, SSEProgressQuerySet
from apps.core.signals import artefacts_due, job_pruned
from apps.core.statuses import TERMINAL, Status

pytestmark = pytest.mark.django_db

OLD = timedelta(days=91)


def make(age: timedelta = OLD, **values: Any) -> SSEProgress:
    moment = timezone.now() - age
    return SSEProgress.objects.create(
        **{
            "task_type": "t",
            "status": Status.COMPLETED,
            "finished_at": moment,
            "created_at": moment,
            "updated_at": moment,
            **values,
        }
    )


def left() -> set[str]:
    return set(SSEProgress.objects.values_list("job_id", flat=True))


@pytest.fixture
def told() -> Iterator[list[str]]:
    """The jobs that features hear of."""
    calls: list[str] = []

    def listen(sender: object, *, job: SSEProgress, **_: Any) -> None:
        calls.append(job.job_id)

    job_pruned.connect(listen)
    yield calls
    job_pruned.disconnect(listen)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_an_old_job_that_is_over_goes_with_its_ledger(status: Status) -> None:
    old = make(status=status)
    JobItem.objects.create(job=old, key="1", outcome=Outcome.FAILED)
    young = make(timedelta(days=89), status=status)

    assert retention.prune() == 1

    assert left() == {young.job_id}
    assert not JobItem.objects.exists()
    assert retention.prune() == 0


@pytest.mark.parametrize("status", sorted(set(Status) - TERMINAL))
def test_a_job_that_is_not_over_stays_however_old(status: Status) -> None:
    make(timedelta(days=3000), status=status, finished_at=None)

    assert retention.prune() == 0


def test_a_job_that_was_begun_long_ago_and_ended_today_stays() -> None:
    make(finished_at=timezone.now())

    assert retention.prune() == 0


def test_a_row_that_was_made_as_completed_goes_by_its_last_change() -> None:
    make(finished_at=None)

    assert retention.prune() == 1


def test_how_long_is_a_setting(settings: Settings) -> None:
    settings.PROGRESS_KEEP_DAYS = 7
    make(timedelta(days=8))
    make(timedelta(days=6))

    assert retention.prune() == 1


def test_parts_go_with_the_job_they_are_part_of(told: list[str]) -> None:
    parent = make()
    part = make(parent=parent)
    of_a_young_one = make(parent=make(timedelta(days=1)))

    assert retention.prune() == 1

    assert left() == {of_a_young_one.job_id, of_a_young_one.parent_id}
    assert set(told) == {parent.job_id, part.job_id}


def test_a_job_whose_part_still_works_stays() -> None:
    make(parent=make(), status=Status.RUNNING, finished_at=None)

    assert retention.prune() == 0


def test_files_go_before_their_job_does(tmp_path: Path) -> None:
    job = make()
    artefact = tmp_path / "report.pdf"
    artefact.write_text("report")

    def remove(sender: object, *, job: SSEProgress, **_: Any) -> None:
        assert SSEProgress.objects.filter(pk=job.pk).exists()
        artefact.unlink(missing_ok=True)

    job_pruned.connect(remove)
    try:
        retention.prune()
    finally:
        job_pruned.disconnect(remove)

    assert not artefact.exists()
    assert job.job_id not in left()


@pytest.mark.parametrize("error", [OSError("read-only"), IntegrityError("in use")])
def test_a_job_whose_files_stay_stays_and_holds_up_no_other(error: Exception) -> None:
    stuck, other = make(job_id="a-stuck"), make(job_id="b-other")

    def refuse(sender: object, *, job: SSEProgress, **_: Any) -> None:
        if job.pk == stuck.pk:
            raise error

    job_pruned.connect(refuse)
    try:
        assert retention.prune() == 1
    finally:
        job_pruned.disconnect(refuse)

    assert left() == {stuck.job_id}
    assert other.job_id not in left()


def test_many_go_in_several_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    for _ in range(7):
        make()

    assert retention.prune() == 7
    assert left() == set()


def test_it_stops_between_two_batches_when_the_process_is_told_to_end() -> None:
    make()
    shutdown.stopping.set()
    try:
        assert retention.prune() == 0
    finally:
        shutdown.stopping.clear()

    assert len(left()) == 1


def test_a_job_that_something_else_holds_on_to_stays_and_the_others_go(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held, *others = [make() for _ in range(3)]
    delete = SSEProgressQuerySet.delete

    def protecting(self: SSEProgressQuerySet) -> Any:
        if self.filter(job_id=held.job_id).exists():
            raise ProtectedError("a project's own row points here", {held})
        return delete(self)

    monkeypatch.setattr(SSEProgressQuerySet, "delete", protecting)

    assert retention.prune() == len(others)

    assert left() == {held.job_id}
    assert held.job_id in caplog.text


def test_features_take_away_what_they_keep_and_one_that_cannot_is_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[str] = []

    def broken(sender: object, **_: Any) -> None:
        raise OSError("the disk is away")

    def working(sender: object, **_: Any) -> None:
        asked.append("working")

    for receiver in (broken, working):
        artefacts_due.connect(receiver)
    try:
        retention.remove_artefacts()
    finally:
        for receiver in (broken, working):
            artefacts_due.disconnect(receiver)

    assert asked == ["working"]
    assert "the disk is away" in caplog.text
