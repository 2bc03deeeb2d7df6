"""Signals that rows send, so that models need not know who publishes them."""

from __future__ import annotations

from django.dispatch import Signal

#: Sent after a job's row was written. Arguments: `job` (the row as written), `kind` (an event kind
#: of the guide), `urgent` (send at once, rather than at most once per FLUSH_SECONDS).
job_changed = Signal()
