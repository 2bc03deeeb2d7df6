"""One `track()` loop under way: which item is out, and how many have gone by."""

from __future__ import annotations

from typing import Any

from apps.core.models import SSEProgress
from apps.core.sources import Source
from apps.core.tracks import Track


class Loop:
    """A loop's state, written by the actor's thread and read by the pulse.

    Items that need no settling are only counted in `passed`, one attribute, so that any thread
    sees a whole number; `fold` turns what has gone by into the job's books.
    """

    __slots__ = ("_folded", "item", "passed", "retried_key", "settled", "source", "track")

    def __init__(self, source: Source[Any], track: Track) -> None:
        self.source = source
        self.track = track
        #: Items before the cursor and plain ones since, over all attempts.
        self.passed = track.passed
        self._folded = self.passed
        self.item: Any = None
        #: The key of a retried item, which lies behind the cursor; None in the loop's own run.
        self.retried_key: str | None = None
        #: Whether item() has settled the item that is out.
        self.settled = False

    @property
    def key(self) -> str:
        """The key of the item that is out."""
        if self.retried_key is not None:
            return self.retried_key
        return self.source.key(self.item, self.passed + 1)

    @property
    def after(self) -> Any:
        """The cursor behind the item that is out; None for a retried one."""
        return None if self.retried_key is not None else self.source.cursor(self.passed + 1)

    def fold(self, job: SSEProgress) -> None:
        """Enter the items that have gone by since the last time as done."""
        passed = self.passed
        if passed > self._folded:
            job.processed_items += passed - self._folded
            self._folded = passed
            self.track.move(self.source.cursor(passed), passed)

    def let_pass(self) -> None:
        """Settle the item that is out as one of those that have gone by, for the next `fold`."""
        self.passed += 1
        self.settled = True

    def settle(self, job: SSEProgress, *, processed: bool = True) -> None:
        """Enter the item that is out as processed, whatever its outcome, or leave it for later."""
        self.fold(job)
        job.processed_items += processed
        if self.retried_key is not None:
            self.track.release()
        else:
            self.passed += 1
            self._folded = self.passed
            self.track.move(self.source.cursor(self.passed), self.passed)
        self.settled = True

    def back_to(self, passed: int) -> None:
        """Take the counts back to an earlier position, together with the job's."""
        self.passed = self._folded = passed
