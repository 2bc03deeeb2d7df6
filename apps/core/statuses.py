"""A job's states, and the only ways from one to another.

The table is data: `SSEProgressQuerySet.move` turns it into guarded updates, and a test walks every
pair. `-ing` states are wishes: somebody asked, and the worker confirms at its next item.
"""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    """Where a job stands."""

    PENDING = "pending", _("Waiting")
    RUNNING = "running", _("Running")
    PAUSING = "pausing", _("Pausing…")
    PAUSED = "paused", _("Paused")
    CANCELLING = "cancelling", _("Cancelling…")
    CANCELLED = "cancelled", _("Cancelled")
    COMPLETED = "completed", _("Completed")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Expired")


TRANSITIONS: frozenset[tuple[Status, Status]] = frozenset(
    {
        # A worker takes the lease.
        (Status.PENDING, Status.RUNNING),
        # Somebody cancels a job that nobody has begun: no worker has to confirm.
        (Status.PENDING, Status.CANCELLED),
        # A plain actor fails before it says that it has started, or a job has used its attempts.
        (Status.PENDING, Status.FAILED),
        # A part of a job that nobody has begun when the whole is paused.
        (Status.PENDING, Status.PAUSED),
        # Nobody ever picked the job up.
        (Status.PENDING, Status.EXPIRED),
        # The last item is done and the books balance.
        (Status.RUNNING, Status.COMPLETED),
        # The actor raised, or the books do not balance.
        (Status.RUNNING, Status.FAILED),
        # Somebody asks for a pause.
        (Status.RUNNING, Status.PAUSING),
        # The job pauses itself: too many of its last items failed.
        (Status.RUNNING, Status.PAUSED),
        # Somebody asks for the end.
        (Status.RUNNING, Status.CANCELLING),
        # The worker hands the job back (shutdown) or has died: another one goes on from the ledger.
        (Status.RUNNING, Status.PENDING),
        # No life sign and no attempt left.
        (Status.RUNNING, Status.EXPIRED),
        # The worker confirms at its next item; or the scheduler does, when the worker has died.
        (Status.PAUSING, Status.PAUSED),
        # The last item was under way when the pause was asked for.
        (Status.PAUSING, Status.COMPLETED),
        # The item under way brought the job down.
        (Status.PAUSING, Status.FAILED),
        # Somebody changes their mind before the worker could pause.
        (Status.PAUSING, Status.CANCELLING),
        # A plain actor died while a pause was asked for.
        (Status.PAUSING, Status.EXPIRED),
        # Somebody resumes.
        (Status.PAUSED, Status.PENDING),
        # Nobody is working on it, so nobody has to confirm.
        (Status.PAUSED, Status.CANCELLED),
        # The worker confirms at its next item; or the scheduler does, when the worker has died.
        (Status.CANCELLING, Status.CANCELLED),
        # The last item was under way when the cancel was asked for: there was nothing left to stop.
        (Status.CANCELLING, Status.COMPLETED),
        # The item under way brought the job down.
        (Status.CANCELLING, Status.FAILED),
        # A plain actor died while a cancel was asked for.
        (Status.CANCELLING, Status.EXPIRED),
        # Retry: only the items that are not done.
        (Status.FAILED, Status.PENDING),
        (Status.EXPIRED, Status.PENDING),
        (Status.CANCELLED, Status.PENDING),
        (Status.COMPLETED, Status.PENDING),
    }
)

#: Left only by a retry.
TERMINAL: frozenset[Status] = frozenset(
    {Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED}
)

#: A worker holds the lease and may write.
LEASED: frozenset[Status] = frozenset({Status.RUNNING, Status.PAUSING, Status.CANCELLING})


def sources_of(target: Status) -> frozenset[Status]:
    """Name the states from which a job may move to `target`."""
    return frozenset(source for source, to in TRANSITIONS if to == target)
