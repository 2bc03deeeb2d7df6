"""Which job the message being processed is about."""

from __future__ import annotations

from contextvars import ContextVar

#: Set by the worker's middleware for each message; None outside of one.
current_job_id: ContextVar[str | None] = ContextVar("heron_current_job_id", default=None)
