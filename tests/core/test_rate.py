"""A speed is told late rather than wrong, and follows a change."""

from __future__ import annotations

import pytest

from apps.core.rate import RateMeter


def after(*legs: tuple[float, float]) -> RateMeter:
    """A meter that has seen legs of (seconds, items per second), four looks a second."""
    meter = RateMeter()
    at, count = 0.0, 0.0
    meter.push(0, at)
    for seconds, speed in legs:
        for _ in range(int(seconds * 4)):
            at += 0.25
            count += speed / 4
            meter.push(round(count), at)
    return meter


def test_there_is_no_figure_without_evidence() -> None:
    assert after((1, 100)).rate is None


def test_a_steady_speed_is_told_from_the_start() -> None:
    assert after((3, 20)).rate == pytest.approx(20, rel=0.05)


def test_nothing_done_is_no_speed() -> None:
    assert after((30, 0)).rate is None


def test_an_old_speed_is_forgotten() -> None:
    assert after((30, 100), (60, 10)).rate == pytest.approx(11.4, rel=0.1)
