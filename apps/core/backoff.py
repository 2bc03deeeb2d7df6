"""How long a job waits before it is tried again. The wait is kept in its row, not in a queue."""

from __future__ import annotations

from typing import Any

from apps.core.clock import FromNow

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 300.0


def wait_after(attempts: int) -> float:
    """Give the seconds to wait after so many attempts that failed: 5, 10, 20 … up to 300."""
    return float(min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** max(0, attempts - 1)))


def not_before(seconds: float) -> Any:
    """Give the expression for a time so many seconds from now, on the database's clock."""
    return FromNow(seconds)
