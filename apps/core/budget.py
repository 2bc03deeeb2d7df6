"""How many of the last items may fail before a job pauses itself."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop

#: Examples that a paused job shows.
SAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class ErrorBudget:
    """More than `percent` of the last `of` items failed: something is wrong with all of them."""

    percent: float = 50.0
    of: int = 20


class Spending:
    """What one attempt has used of its budget. A resumed job begins anew."""

    def __init__(self, budget: ErrorBudget | None) -> None:
        self._budget = budget
        self._last: deque[str | None] = deque(maxlen=budget.of if budget else 1)

    def note(self, failure: str | None) -> bool:
        """Note an item and its failure, None for any other end; True when the budget is spent."""
        self._last.append(failure)
        if self._budget is None or len(self._last) < self._budget.of:
            return False
        return 100 * self._failed > self._budget.percent * self._budget.of

    @property
    def _failed(self) -> int:
        return sum(failure is not None for failure in self._last)

    def reason(self) -> dict[str, Any]:
        """Say why the job pauses, as its error, with samples of what went wrong."""
        samples = [failure for failure in self._last if failure is not None]
        return {
            "code": "budget",
            "message": gettext_noop(
                "%(failed)s of the last %(of)s items failed, so the job has paused. For example: "
                "%(samples)s"
            ),
            "params": {
                "failed": self._failed,
                "of": len(self._last),
                "samples": " · ".join(dict.fromkeys(reversed(samples[-SAMPLES:]))),
            },
            "hint": gettext_noop("Look into the cause, then resume: the rest goes on from here."),
        }
