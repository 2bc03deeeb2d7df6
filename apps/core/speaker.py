"""What an attempt says of itself: what it is doing, what to look at, what came out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from apps.core import ledger
from apps.core.models import SSEProgress
from apps.core.texts import storable
from apps.core.ticker import Ticker


class Speaker:
    """Speaks for one attempt, in words that are translated for each reader."""

    def __init__(self, job: SSEProgress, ticker: Ticker) -> None:
        self._job = job
        self._ticker = ticker
        self._stages = 0
        self._stage_base = 0.0

    def message(self, msgid: str, **params: Any) -> None:
        """Say what is being done, in words that are translated for each reader."""
        with self._ticker.lock:
            self._job.message, self._job.message_params = storable(msgid), storable(params)
            self._ticker.tick()

    def warn(self, msgid: str, *, ref: str = "", code: str = "", **params: Any) -> None:
        """Say something that a person should look at, and that is no item's outcome."""
        with self._ticker.lock, self._ticker.unless_it_fails(), transaction.atomic():
            self._job.warning_count += 1
            ledger.remark(self._job, msgid, ref=ref, code=code, params=params)
            self._ticker.flush("warning")

    def result(self, summary: str, *, links: Iterable[dict[str, Any]] = (), **params: Any) -> None:
        """Say what came out of it; shown when the job is over."""
        with self._ticker.lock:
            self._job.result = storable(
                {"summary": summary, "params": params, "links": list(links)}
            )

    @contextmanager
    def stage(self, label: str, *, share: float, of: int | None = None) -> Iterator[None]:
        """Name a part of the work that makes up `share` (0 to 1) of the bar, one `of` so many."""
        self._stages += 1
        with self._ticker.lock:
            self._job.stage = {
                "index": self._stages,
                "count": of,
                "label": label,
                "base": self._stage_base,
                "share": share,
            }
            self._ticker.flush()
        yield
        self._stage_base = min(1.0, self._stage_base + share)
