"""One scheduler leads at a time, and when it dies another one takes over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from apps.core.models import Lease
from heron.demo.surroundings import ROOT, Surroundings, python
from tests.support.prepared import MIGRATE, prepare
from workers.leader import LEASE_SECONDS, RENEW_SECONDS, Leadership

#: Far more than it takes; a machine may be busy.
PATIENCE_S = 60.0


class Clock:
    """A monotonic clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def pass_time(seconds: float) -> None:
    """Let the database believe that so much time has gone by."""
    for lease in Lease.objects.all():
        Lease.objects.filter(pk=lease.pk).update(until=lease.until - timedelta(seconds=seconds))


def test_a_new_leader_is_there_ten_seconds_after_the_old_one_died() -> None:
    assert LEASE_SECONDS + RENEW_SECONDS <= 10
    # And a renewal may fail once without costing the leadership.
    assert RENEW_SECONDS * 2 < LEASE_SECONDS


@pytest.mark.django_db
def test_the_first_to_ask_leads_and_the_second_stands_by() -> None:
    first, second = Leadership(), Leadership()

    assert first.campaign()
    assert not second.campaign()
    assert (first.leads, second.leads) == (True, False)


@pytest.mark.django_db
def test_a_leader_that_renews_its_lease_leads_on() -> None:
    first, second = Leadership(), Leadership()
    first.campaign()

    for _ in range(3):
        pass_time(LEASE_SECONDS - 1)
        assert first.campaign()
        assert not second.campaign()


@pytest.mark.django_db
def test_a_lease_that_ran_out_goes_to_who_asks_first_and_its_old_holder_learns_it() -> None:
    first, second = Leadership(), Leadership()
    first.campaign()
    pass_time(LEASE_SECONDS + 1)

    assert second.campaign()
    assert not first.campaign()
    assert not first.leads


@pytest.mark.django_db
def test_who_resigns_makes_room_at_once() -> None:
    first, second = Leadership(), Leadership()
    first.campaign()

    first.resign()

    assert not first.leads
    assert second.campaign()


@pytest.mark.django_db
def test_resigning_without_the_lease_takes_it_from_nobody() -> None:
    first, second = Leadership(), Leadership()
    first.campaign()

    second.resign()

    assert first.campaign()
    assert not second.campaign()


@pytest.mark.django_db
def test_two_leases_have_a_leader_each() -> None:
    assert Leadership("one").campaign()
    assert Leadership("two").campaign()


@pytest.mark.django_db
def test_a_lease_from_a_clock_that_was_put_back_is_free() -> None:
    Leadership().campaign()
    Lease.objects.update(until=Now() + timedelta(hours=1))

    assert Leadership().campaign()


@pytest.mark.django_db
def test_a_leader_that_was_suspended_does_not_believe_in_its_lease_any_more() -> None:
    clock = Clock()
    first = Leadership(clock=clock)
    first.campaign()

    clock.now += LEASE_SECONDS - 0.1
    assert first.leads
    clock.now += 0.2

    assert not first.leads


@pytest.mark.django_db
def test_without_the_database_a_leader_leads_only_as_long_as_its_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    first = Leadership(clock=clock)
    first.campaign()

    def away(*_: object) -> bool:
        raise OperationalError("the database is away")

    monkeypatch.setattr(Lease.objects, "take", away)

    clock.now += RENEW_SECONDS
    assert first.campaign()
    clock.now += LEASE_SECONDS
    assert not first.campaign()


class Scheduler:
    """A real scheduler process, and what it tells systemd."""

    def __init__(self, env: dict[str, str], address: Path) -> None:
        self.said: list[str] = []
        self._heard = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self.process = subprocess.Popen(
            python("-m", "workers.scheduler"),
            cwd=ROOT,
            env={**env, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "1000000"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while word := self._socket.recv(100).decode():
            with self._heard:
                self.said.append(word)
                self._heard.notify_all()

    def hears(self, word: str, times: int = 1) -> bool:
        """Wait until the process has said a word so many times."""
        with self._heard:
            return self._heard.wait_for(lambda: self.said.count(word) >= times, PATIENCE_S)

    @property
    def leads(self) -> bool:
        """Whether it has ever said that it leads."""
        return "STATUS=Leads." in self.said

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def env(request: pytest.FixtureRequest, short_tmp_path: Path) -> dict[str, str]:
    """The environment of an empty installation with a database of its own and no broker."""
    extra = {"DRAMATIQ_STUB": "1"}
    if os.environ.get("HERON_TEST_DATABASE_URL"):
        extra["DATABASE_URL"] = request.getfixturevalue("postgres_server").create_database()
    here = Surroundings(
        var=short_tmp_path, scratch=short_tmp_path, web_port=0, smtp_port=0, extra=extra
    )
    prepare(here.environment(), MIGRATE)
    return here.environment()


@contextmanager
def schedulers(env: dict[str, str], folder: Path) -> Iterator[tuple[Scheduler, Scheduler]]:
    """Run two schedulers: the first leads, the second stands by."""
    first = Scheduler(env, folder / "1.sock")
    second: Scheduler | None = None
    try:
        assert first.hears("STATUS=Leads.")
        second = Scheduler(env, folder / "2.sock")
        assert second.hears("READY=1")
        yield first, second
    finally:
        first.end(signal.SIGKILL)
        if second is not None:
            second.end(signal.SIGKILL)


def in_the_database(env: dict[str, str], code: str) -> str:
    done = subprocess.run(
        python("manage.py", "shell", "--no-imports", "--command", code),
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


ABANDONED = """
from apps.core.models import SSEProgress
SSEProgress.objects.create(job_id="abandoned", task_type="t", status="running")
"""
STATUS = """
from apps.core.models import SSEProgress
print(SSEProgress.objects.get(job_id="abandoned").status)
"""


@pytest.mark.integration
def test_when_the_leader_is_killed_the_other_one_goes_on_with_its_work(
    env: dict[str, str], short_tmp_path: Path
) -> None:
    with schedulers(env, short_tmp_path) as (first, second):
        assert first.hears("WATCHDOG=1", times=3)
        assert second.hears("WATCHDOG=1", times=3)
        assert not second.leads

        first.end(signal.SIGKILL)
        assert second.hears("STATUS=Leads.")
        in_the_database(env, ABANDONED)

        deadline = time.monotonic() + PATIENCE_S
        while in_the_database(env, STATUS) != "expired":
            assert time.monotonic() < deadline, "nobody settled the job"


@pytest.mark.integration
def test_a_leader_that_is_stopped_cleanly_gives_the_lease_back(
    env: dict[str, str], short_tmp_path: Path
) -> None:
    with schedulers(env, short_tmp_path) as (first, second):
        assert first.end(signal.SIGTERM) == 0
        assert "STOPPING=1" in first.said

        assert second.hears("STATUS=Leads.")


@pytest.mark.integration
def test_a_leader_that_wakes_up_after_its_lease_ran_out_stands_by(
    env: dict[str, str], short_tmp_path: Path
) -> None:
    with schedulers(env, short_tmp_path) as (first, second):
        first.process.send_signal(signal.SIGSTOP)
        assert second.hears("STATUS=Leads.")
        first.process.send_signal(signal.SIGCONT)

        assert first.hears("STATUS=Stands by.")
        assert second.said.count("STATUS=Stands by.") == 1  # at its start
