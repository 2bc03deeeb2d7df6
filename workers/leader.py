"""Which of several schedulers runs the schedule: the one that holds a lease in the database.

It renews the lease all the time. When it dies, the lease runs out and another one takes it.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable
from time import monotonic

from django.db import Error

from apps.core.models import Lease

#: How long a lease holds after it was last renewed.
LEASE_SECONDS = 6.0
#: How often it is renewed, or asked for. With LEASE_SECONDS the longest time without a leader.
RENEW_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Leadership:
    """One process's standing for the lease `name`.

    The leader trusts a lease by its own monotonic clock, counted from before it asked for it: it
    stops believing in it sooner than the database does, also when the database can't be reached.
    """

    def __init__(
        self,
        name: str = "scheduler",
        *,
        seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.name = name
        # Random too: in containers, process ids and host names come again.
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._seconds = seconds
        self._clock = clock
        self._trusted_until: float | None = None

    @property
    def leads(self) -> bool:
        """Tell whether this process holds the lease at this very moment."""
        return self._trusted_until is not None and self._clock() < self._trusted_until

    def campaign(self) -> bool:
        """Take or renew the lease; tell whether this process leads."""
        began = self._clock()
        try:
            taken = Lease.objects.take(self.name, self.holder, self._seconds)
        except Error as error:
            # Nobody can have taken it over by way of this database either, but it may run out.
            logger.warning("the lease %s can't be asked for: %s", self.name, error)
            return self.leads
        self._trusted_until = began + self._seconds if taken else None
        return self.leads

    def resign(self) -> None:
        """Give the lease back, so that another process need not wait for its end."""
        self._trusted_until = None
        try:
            Lease.objects.release(self.name, self.holder)
        except Error as error:
            logger.warning("the lease %s stays until it runs out: %s", self.name, error)
