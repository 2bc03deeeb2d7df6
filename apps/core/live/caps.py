"""How many streams this process holds, and for whom: nobody may use up the server.

Views ask from threads, streams count from an event loop.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from django.utils.translation import gettext_lazy as _

from apps.core.conf import conf


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a stream is not opened."""

    status: int
    message: object
    retry_after: int


FULL = Refusal(503, _("The server holds as many live connections as it can."), 10)
TOO_MANY_OF_USER = Refusal(429, _("Too many pages are open at once."), 5)
TOO_MANY_OF_ADDRESS = Refusal(429, _("Too many live connections from one address."), 5)


class OpenStreams:
    """Counts this process's open streams: all, per user, per address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Hashable] = Counter()
        self.total = 0

    def refusal(self, user_id: str, address: str) -> Refusal | None:
        """Tell why one stream more can't be opened, or None when it can."""
        with self._lock:
            return self._refusal(user_id, address)

    def of(self, user_id: object) -> int:
        """Tell how many streams a user holds open here."""
        with self._lock:
            return self._counts["user", str(user_id)]

    @contextmanager
    def counted(self, user_id: str, address: str) -> Iterator[Refusal | None]:
        """Count a stream while it is open; give the refusal when there are too many already."""
        keys = [("user", user_id), ("address", address)]
        with self._lock:
            refusal = self._refusal(user_id, address)
            if refusal is None:
                self._counts.update(keys)
                self.total += 1
        try:
            yield refusal
        finally:
            if refusal is None:
                with self._lock:
                    self._counts.subtract(keys)
                    self.total -= 1
                    for key in keys:
                        if not self._counts[key]:
                            del self._counts[key]

    def _refusal(self, user_id: str, address: str) -> Refusal | None:
        if self.total >= conf.STREAMS_TOTAL:
            return FULL
        if self._counts["user", user_id] >= conf.STREAMS_PER_USER:
            return TOO_MANY_OF_USER
        if self._counts["address", address] >= conf.STREAMS_PER_ADDRESS and not stands_for_many(
            address
        ):
            return TOO_MANY_OF_ADDRESS
        return None


def stands_for_many(address: str) -> bool:
    """Tell whether there may be anybody behind an address: a proxy of ours, or a Unix socket."""
    try:
        known = ip_address(address)
    except ValueError:
        return True
    return any(known in ip_network(network) for network in conf.STREAMS_UNCOUNTED_NETWORKS)


open_streams = OpenStreams()
