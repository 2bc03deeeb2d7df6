"""Waiting for what real processes and threads do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sized

#: A functional bound: what is right happens long before, what is wrong never.
PATIENCE = 15.0


def eventually(condition: Callable[[], object]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "this never came true"
        time.sleep(0.01)


def more_than(lines: Sized, number: int) -> Callable[[], bool]:
    """Ask whether something has grown beyond a length."""
    return lambda: len(lines) > number
