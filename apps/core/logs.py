"""Every log line written while a job runs carries the job's id."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_job_id: ContextVar[str | None] = ContextVar("heron_job_id", default=None)


@contextmanager
def job_context(job_id: str | None) -> Iterator[None]:
    """Mark what is logged inside the block as belonging to `job_id`."""
    token = _job_id.set(job_id)
    try:
        yield
    finally:
        _job_id.reset(token)


class JobFilter(logging.Filter):
    """Put the current job's id on each record; JSON formatters write it out."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add `job_id` when there is one, and let every record through."""
        job_id = _job_id.get()
        if job_id is not None:
            record.job_id = job_id
        return True
