"""A courier carries the newest state of each job, in order, and lets nobody wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from apps.core.live import courier as couriers
from apps.core.live.courier import Courier, Letter
from apps.core.models import SSEProgress


class Road:
    """Where letters arrive; closed, it holds the courier up."""

    def __init__(self) -> None:
        self.rounds: list[list[tuple[str, str, int]]] = []
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()

    def deliver(self, letters: Sequence[Letter]) -> None:
        self.reached.set()
        assert self.open.wait(10)
        self.rounds.append([(job.job_id, kind, job.processed_items or 0) for job, kind in letters])


@pytest.fixture
def road() -> Iterator[Road]:
    road = Road()
    yield road
    road.open.set()


@pytest.fixture
def courier(road: Road) -> Iterator[Courier]:
    courier = Courier(road.deliver)
    yield courier
    road.open.set()
    assert courier.flush(10)


def job(name: str = "a") -> SSEProgress:
    return SSEProgress(job_id=name)


def hold_up(courier: Courier, road: Road) -> None:
    """Have the courier be under way with a letter of no interest."""
    road.open.clear()
    courier.take(job("first"), "start")
    assert road.reached.wait(10)


def test_of_a_jobs_states_that_wait_only_the_newest_goes(courier: Courier, road: Road) -> None:
    hold_up(courier, road)
    for processed in (1, 2, 3):
        state = job()
        state.processed_items = processed
        courier.take(state, "progress")
    road.open.set()

    assert courier.flush(10)
    assert road.rounds[1:] == [[("a", "progress", 3)]]


def test_what_waits_goes_in_one_round(courier: Courier, road: Road) -> None:
    hold_up(courier, road)
    for name in "abc":
        courier.take(job(name), "complete")
    road.open.set()

    assert courier.flush(10)
    assert [len(letters) for letters in road.rounds] == [1, 3]


def test_a_warning_is_not_hidden_by_the_progress_after_it(courier: Courier, road: Road) -> None:
    hold_up(courier, road)
    courier.take(job(), "warning")
    courier.take(job(), "progress")
    road.open.set()

    assert courier.flush(10)
    assert [kind for _, kind, _ in road.rounds[1]] == ["warning"]


def test_a_state_stays_as_it_was_when_it_was_handed_over(courier: Courier, road: Road) -> None:
    hold_up(courier, road)
    running = job()
    running.processed_items = 1
    courier.take(running, "progress")
    running.processed_items = 2
    road.open.set()

    assert courier.flush(10)
    assert road.rounds[1] == [("a", "progress", 1)]


def test_a_round_that_fails_does_not_end_the_courier(road: Road) -> None:
    failures = iter([RuntimeError("broken")])

    def deliver(letters: Sequence[Letter]) -> None:
        for failure in failures:
            raise failure
        road.deliver(letters)

    courier = Courier(deliver)
    courier.take(job("a"), "start")
    assert courier.flush(10)
    courier.take(job("b"), "start")

    assert courier.flush(10)
    assert [letters[0][0] for letters in road.rounds] == ["b"]


def test_the_thread_ends_when_nothing_comes_and_begins_again(
    courier: Courier, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(couriers, "LINGER_SECONDS", 0.01)
    for name in "ab":
        courier.take(job(name), "start")
        assert courier.flush(10)
        thread = courier._thread
        if thread is not None:
            thread.join(10)
        assert courier._thread is None

    assert [letters[0][0] for letters in road.rounds] == ["a", "b"]


def test_waiting_for_a_courier_that_is_held_up_ends(courier: Courier, road: Road) -> None:
    hold_up(courier, road)

    assert not courier.flush(0.01)
