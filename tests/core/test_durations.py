"""Durations as people write them."""

from __future__ import annotations

import pytest
from django.utils import translation

from apps.core.templatetags.durations import duration


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min 00 s"),
        (68, "1 min 08 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (172_799, "47 h 59 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_a_duration_has_the_two_units_that_matter(seconds: int | None, expected: str) -> None:
    with translation.override("en"):
        assert duration(seconds) == expected
