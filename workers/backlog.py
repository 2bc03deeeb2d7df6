"""The messages that a worker has fetched and none of its threads has begun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dramatiq.broker import MessageProxy
from dramatiq.common import iter_queue
from dramatiq.worker import Worker


class Backlog:
    """What waits in a worker's process for a thread."""

    def __init__(self, worker: Worker) -> None:
        self._queue = worker.work_queue

    @contextmanager
    def taken(self) -> Iterator[list[MessageProxy]]:
        """Take all messages out, for good; if the block raises, they wait on."""
        items = list(iter_queue(self._queue))  # type: ignore[no-untyped-call]
        try:
            yield [item.message for item in items]
        except BaseException:
            for item in items:
                self._queue.put(item)
            raise
        finally:
            for _ in items:
                self._queue.task_done()
