"""Workers and people in threads, and what has to hold whatever they do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from apps.core.models import SSEProgress
from apps.core.statuses import TERMINAL
from tests.core.fanout.bench import fresh

Events = list[tuple[str, str, dict[str, Any]]]


class Crew:
    """Threads that do parts, and whatever else is to happen at the same time."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def start(self, target: Callable[..., object], *arguments: Any) -> None:
        def guarded() -> None:
            try:
                target(*arguments)
            except BaseException as error:  # noqa: BLE001 (told by join)
                self.errors.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=guarded)
        self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
        assert self.errors == []


def books_hold(job: SSEProgress, seen: list[dict[str, Any]]) -> None:
    """Read the row, and say so if it contradicts itself or what was read before."""
    row = fresh(job)
    books = row.books
    assert books.total == books.done + books.skipped + books.failed + books.in_doubt + (
        books.left or 0
    )
    assert books.processed <= (books.total or 0)
    if seen:
        assert row.seq >= seen[-1]["seq"]
        assert books.processed >= seen[-1]["processed"]
    seen.append({"seq": row.seq, "processed": books.processed, "status": row.status})


def ends(job: SSEProgress, events: Events) -> list[str]:
    channel = f"progress-{job.job_id}"
    over = {str(status) for status in TERMINAL}
    return [
        data["status"] for name, _, data in events if name == channel and data["status"] in over
    ]
