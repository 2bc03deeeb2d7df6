"""The equation that every job obeys: total = done + skipped + failed + in doubt + left."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Books:
    """The counts of one job at one moment.

    `total` is None while nobody knows it; then `left` is None too.
    """

    total: int | None
    done: int
    skipped: int
    failed: int
    in_doubt: int

    @property
    def processed(self) -> int:
        """Count the items whose outcome is known."""
        return self.done + self.skipped + self.failed + self.in_doubt

    @property
    def left(self) -> int | None:
        """Count the items still to come; never negative, for an underestimated total."""
        return None if self.total is None else max(0, self.total - self.processed)

    @property
    def closed(self) -> bool:
        """Tell whether every item is accounted for."""
        return self.total is not None and self.processed == self.total

    def counts(self) -> dict[str, int | None]:
        """Give the counts as the wire format names them."""
        return {
            "done": self.done,
            "skipped": self.skipped,
            "failed": self.failed,
            "in_doubt": self.in_doubt,
            "left": self.left,
        }
