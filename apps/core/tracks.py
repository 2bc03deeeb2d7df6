"""Where each of an actor's loops stands, as the job's `cursor` keeps it.

    {"1": {"after": 917, "passed": 17, "total": 200, "reserved": {"key": "918", "ref": "F-18"}}}

`after` is the cursor behind the last settled item and `passed` their number, `total` what the loop
adds to the job's total, `reserved` the irreversible item under way (with `after` behind it, unless
it is a retried one): found by a later attempt, it is in doubt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.core.ledger import DOUBT, Entry, record
from apps.core.models import Outcome, SSEProgress


class Track:
    """One loop's place in the job's cursor."""

    def __init__(self, job: SSEProgress, number: int) -> None:
        self._job = job
        self.number = number

    @property
    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(self._job.cursor.get(str(self.number), {}))
        return state

    def _set(self, **changes: Any) -> None:
        state = {**self._state, **changes}
        kept = {name: value for name, value in state.items() if value is not None}
        # A new dict each time, so that a copy taken before stays as it was.
        self._job.cursor = {**self._job.cursor, str(self.number): kept}

    @property
    def after(self) -> Any:
        """The cursor to go on from; None for the beginning."""
        return self._state.get("after")

    @property
    def passed(self) -> int:
        """How many items lie before the cursor."""
        return int(self._state.get("passed", 0))

    def begin(self, total: int | None) -> None:
        """Add the loop's total to the job's, once for all attempts."""
        if "total" in self._state or total is None:
            return
        self._set(total=total)
        self._job.total_items = sum(state.get("total", 0) for state in self._job.cursor.values())

    def move(self, after: Any, passed: int) -> None:
        """Move the cursor behind an item whose outcome is known."""
        self._set(after=after, passed=passed, reserved=None)

    def release(self) -> None:
        """Forget the reservation of an item whose outcome is known, and leave the cursor."""
        self._set(reserved=None)

    def reserve(self, key: str, ref: str, after: Any) -> None:
        """Note that an irreversible item is under way; `after` is None for a retried one."""
        self._set(reserved={"key": key, "ref": ref, "after": after})

    @property
    def reserved(self) -> dict[str, Any] | None:
        """The irreversible item under way."""
        found: dict[str, Any] | None = self._state.get("reserved")
        return found


def reserves(cursor: Mapping[str, Any]) -> bool:
    """Tell whether a cursor holds an irreversible item under way."""
    return any("reserved" in state for state in cursor.values())


def doubt_reserved(job: SSEProgress) -> bool:
    """Enter the items that a dead attempt had under way as in doubt; False when there are none.

    Changes the row in memory and the ledger; the caller writes the row in the same transaction.
    """
    found = False
    with transaction.atomic():
        for number in sorted(int(name) for name in job.cursor):
            track = Track(job, number)
            reserved = track.reserved
            if reserved is None:
                continue
            found = True
            record(
                job,
                Entry(
                    track=number,
                    key=reserved["key"],
                    ref=reserved["ref"],
                    outcome=Outcome.IN_DOUBT,
                    code="in_doubt",
                    msgid=DOUBT,
                ),
            )
            job.processed_items += 1
            job.in_doubt_items += 1
            if reserved["after"] is None:
                track.release()
            else:
                track.move(reserved["after"], track.passed + 1)
    return found
