"""Signals that rows send, so that models need not know who publishes them."""

from __future__ import annotations

from django.dispatch import Signal

#: Sent after a job's row was written. Arguments: `job` (the row as written), `kind` (an event kind
#: of the guide), `urgent` (send at once, rather than at most once per FLUSH_SECONDS).
job_changed = Signal(use_caching=True)

#: Sent before a job is deleted for its age, so that what it left behind (files) goes with it; for
#: each of its parts too. Argument: `job`. A receiver that raises keeps the job for another day. It
#: may be called again for the same job.
job_pruned = Signal()

#: Sent in the transaction in which a person decides about an item in doubt. Arguments: `job`,
#: `track` and `key` (the item's, as in the ledger), `decision` (a Decision), `user`. A receiver
#: that raises undoes the decision.
item_decided = Signal()

#: Sent every hour by the scheduler, so that features take away what they keep for a time only. A
#: receiver that raises is told in the log, and called again the next time.
artefacts_due = Signal()
