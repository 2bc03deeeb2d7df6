"""Acknowledge several messages in one round trip while jobs are short.

Dramatiq acknowledges each message by itself, which takes as long as a third of a short job. A
message about a job may be acknowledged late: should it be delivered again, it changes nothing. So
it is kept until the consumer asks Valkey for more anyway, and not while the consumer waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from dramatiq.broker import MessageProxy


class Acks:
    """The messages of one queue that are done and not yet acknowledged.

    Args:
        send: Acknowledges messages by their ids in Valkey; they are kept if it raises.
    """

    def __init__(self, send: Callable[[Sequence[str]], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._ids: list[str] = []
        #: Whether the consumer is sure to come by soon.
        self._open = False

    def keep(self, message: MessageProxy) -> bool:
        """Keep a message until the next round trip; False when none is to come soon."""
        with self._lock:
            if self._open:
                self._ids.append(message.options["redis_message_id"])
            return self._open

    def send(self, *, last: bool = False) -> None:
        """Acknowledge what is kept; with `last`, keep nothing until this is called again."""
        with self._lock:
            ids, self._ids, self._open = self._ids, [], not last
        if not ids:
            return
        try:
            self._send(ids)
        except BaseException:
            with self._lock:
                self._ids = ids + self._ids
            raise
