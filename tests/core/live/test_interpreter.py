"""A process that holds streams sets Python for them; asked again, it changes nothing."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from apps.core.live import interpreter


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(700, 10, 10)
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


def test_the_loop_waits_less_for_threads_and_the_collector_looks_more_rarely() -> None:
    sys.setswitchinterval(0.005)

    interpreter.tune()

    assert gc.get_threshold() == interpreter.THRESHOLDS
    assert gc.get_freeze_count() > 0
    assert sys.getswitchinterval() == pytest.approx(interpreter.SWITCH_SECONDS)


def test_what_was_made_since_is_not_set_aside_by_asking_again() -> None:
    interpreter.tune()
    kept = gc.get_freeze_count()
    made = [[] for _ in range(1000)]  # type: ignore[var-annotated]

    interpreter.tune()

    assert len(made) == 1000
    assert gc.get_freeze_count() <= kept
