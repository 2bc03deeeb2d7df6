"""How fast a job goes, as a moving average that forgets."""

from __future__ import annotations

#: After this time an old speed counts half.
HALF_LIFE_SECONDS = 10.0
#: Before this much evidence there is no figure: a wrong one is worse than none.
EVIDENCE_SECONDS = 2.0


class RateMeter:
    """Items per second, weighted by time with a half-life."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._count = 0
        self._seen = 0.0
        #: Sum of the weighted speeds, and of the weights: divided, they give an average that is
        #: not drawn to zero by the time before the first item.
        self._speeds = 0.0
        self._weights = 0.0

    def push(self, count: int, at: float) -> None:
        """Note that `count` items were done at the time `at`, in seconds."""
        if self._at is not None and at > self._at and count >= self._count:
            elapsed = at - self._at
            old = 0.5 ** (elapsed / HALF_LIFE_SECONDS)
            self._speeds = self._speeds * old + (count - self._count) / elapsed * (1 - old)
            self._weights = self._weights * old + (1 - old)
            self._seen += elapsed
        self._at, self._count = at, count

    @property
    def rate(self) -> float | None:
        """Items per second; None without enough evidence."""
        if self._seen < EVIDENCE_SECONDS or not self._speeds:
            return None
        return self._speeds / self._weights
