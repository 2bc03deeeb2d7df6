"""The schedule runs while this process leads, and at no other time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from apscheduler.schedulers.base import STATE_PAUSED, STATE_RUNNING

from workers import scheduler as room
from workers.schedule import SCHEDULE, Periodic

PATIENCE_S = 30.0


class Work:
    """Something that is run now and then."""

    def __init__(self) -> None:
        self.runs = 0
        self._ran = threading.Condition()

    def __call__(self) -> None:
        with self._ran:
            self.runs += 1
            self._ran.notify_all()

    def is_run(self, times: int, *, within_s: float = PATIENCE_S) -> bool:
        """Wait until it was run so many times."""
        with self._ran:
            return self._ran.wait_for(lambda: self.runs >= times, within_s)


class Stage:
    """A started scheduler with one task of each kind, and who leads."""

    def __init__(self) -> None:
        self.leads = False
        self.often, self.daily = Work(), Work()
        self.schedule = (
            Periodic(name="often", run=self.often, every_seconds=0.02),
            Periodic(name="daily", run=self.daily, crontab="17 3 * * *"),
        )
        self.scheduler = room.build(self.schedule, lambda: self.leads)
        self.scheduler.start(paused=True)

    def follow(self, *, leads: bool) -> None:
        self.leads = leads
        room.follow(self.scheduler, self.schedule, leads=leads)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.scheduler.shutdown(wait=True)


def test_who_stands_by_runs_nothing(stage: Stage) -> None:
    stage.follow(leads=False)

    assert stage.scheduler.state == STATE_PAUSED
    assert (stage.often.runs, stage.daily.runs) == (0, 0)


def test_who_leads_runs_the_schedule_and_the_daily_work_at_once(stage: Stage) -> None:
    stage.follow(leads=True)

    assert stage.often.is_run(3)
    assert stage.daily.is_run(1)


def test_who_loses_the_lease_stops_and_who_gets_it_back_goes_on(stage: Stage) -> None:
    stage.follow(leads=True)
    assert stage.often.is_run(1)

    stage.follow(leads=False)
    assert stage.scheduler.state == STATE_PAUSED
    before = stage.often.runs
    stage.follow(leads=True)

    assert stage.scheduler.state == STATE_RUNNING
    assert stage.often.is_run(before + 2)


@pytest.mark.django_db(transaction=True)
def test_a_tick_that_comes_after_the_lease_was_lost_does_nothing() -> None:
    work, leads = Work(), True
    scheduler = room.build([Periodic(name="often", run=work, every_seconds=1)], lambda: leads)
    [job] = scheduler.get_jobs()

    job.func()
    leads = False
    job.func()

    assert work.runs == 1


def test_the_schedule_goes_on_when_the_clock_is_put_back(stage: Stage) -> None:
    stage.follow(leads=True)
    assert stage.often.is_run(1)

    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1), tick=True):
        room.keep_up(stage.scheduler)
        assert stage.often.is_run(stage.often.runs + 3)


def test_the_schedule_goes_on_at_once_when_the_clock_is_put_forward_by_years(stage: Stage) -> None:
    stage.follow(leads=True)
    assert stage.often.is_run(1)

    with time_machine.travel(datetime.now(UTC) + timedelta(days=20 * 365), tick=True):
        assert stage.often.is_run(stage.often.runs + 3)


def test_a_clock_put_forward_and_back_again_between_two_looks_stops_nothing(stage: Stage) -> None:
    stage.follow(leads=True)
    assert stage.often.is_run(1)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1), tick=True):
        assert stage.often.is_run(stage.often.runs + 3)

    room.keep_up(stage.scheduler)

    assert stage.often.is_run(stage.often.runs + 3)


def test_a_schedule_that_fell_asleep_by_another_clock_is_woken(stage: Stage) -> None:
    stage.follow(leads=True)
    assert stage.often.is_run(1)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with time_machine.travel(ahead, tick=True) as clock:
        assert stage.often.is_run(stage.often.runs + 3)
        clock.shift(timedelta(hours=-2))
        asleep = stage.often.runs
        assert not stage.often.is_run(asleep + 2, within_s=0.3)
        clock.shift(timedelta(hours=2))

        room.keep_up(stage.scheduler)

        assert stage.often.is_run(asleep + 3)


def test_daily_work_keeps_its_hour_by_the_new_clock(stage: Stage) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(days=30), tick=True):
        room.keep_up(stage.scheduler)
        due = stage.scheduler.get_job("daily").next_run_time

        assert timedelta() < due - datetime.now(UTC) <= timedelta(days=1, hours=1)


def test_a_clock_that_nobody_sets_is_left_alone(stage: Stage) -> None:
    planned = [job.next_run_time for job in stage.scheduler.get_jobs()]

    room.keep_up(stage.scheduler)

    assert [job.next_run_time for job in stage.scheduler.get_jobs()] == planned


def test_following_again_changes_nothing(stage: Stage) -> None:
    stage.follow(leads=True)
    assert stage.daily.is_run(1)
    due = stage.scheduler.get_job("daily").next_run_time

    stage.follow(leads=True)

    assert stage.scheduler.get_job("daily").next_run_time == due
    assert due > datetime.now(UTC)


def test_every_task_has_one_rhythm_and_a_late_tick_is_run_once() -> None:
    scheduler = room.build(SCHEDULE, lambda: True)
    scheduler.start(paused=True)
    jobs = scheduler.get_jobs()
    scheduler.shutdown()

    assert len({job.id for job in jobs}) == len(SCHEDULE)
    for periodic in SCHEDULE:
        assert bool(periodic.every_seconds) != bool(periodic.crontab), periodic.name
    for job in jobs:
        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)


def test_systemd_is_told_when_it_asked(
    monkeypatch: pytest.MonkeyPatch, short_tmp_path: Path
) -> None:
    address = str(short_tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", address)

        room.notify("READY=1")

        assert systemd.recv(100) == b"READY=1"


@pytest.mark.parametrize(("asked", "every"), [(None, 10.0), ("60000000", 30.0)])
def test_a_life_sign_comes_twice_as_often_as_systemd_asks(
    monkeypatch: pytest.MonkeyPatch, asked: Any, every: float
) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if asked:
        monkeypatch.setenv("WATCHDOG_USEC", asked)

    assert room._watchdog_seconds() == every
