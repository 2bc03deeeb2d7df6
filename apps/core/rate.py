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
        self._rate = 0.0
        self._seen = 0.0

    def push(self, count: int, at: float) -> None:
        """Note that `count` items were done at the time `at`, in seconds."""
        if self._at is not None and at > self._at and count >= self._count:
            elapsed = at - self._at
            now = (count - self._count) / elapsed
            old = 0.5 ** (elapsed / HALF_LIFE_SECONDS) if self._seen else 0.0
            self._rate = self._rate * old + now * (1 - old)
            self._seen += elapsed
        self._at, self._count = at, count

    @property
    def rate(self) -> float | None:
        """Items per second; None without enough evidence."""
        return self._rate if self._seen >= EVIDENCE_SECONDS and self._rate > 0 else None
