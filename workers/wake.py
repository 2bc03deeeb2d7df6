"""Wake an idle consumer when its queue changes, instead of letting it sleep.

Dramatiq's Redis consumer polls: once a second or so when idle, which is what a job then waits for.
Ours asks Valkey to be told (`CLIENT TRACKING`): reading the queue's length makes the server push
one message at the next change of the queue, whoever makes it. Enqueuing costs nothing more, and
between the read and the push no message can slip through.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

from dramatiq.broker import Consumer, MessageProxy
from dramatiq.common import compute_backoff
from dramatiq.errors import ConnectionClosed
from redis import Redis
from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError

from apps.core.handoff import JOB_OPTION
from workers.acks import Acks
from workers.ahead import HOLD_SECONDS, FetchAhead
from workers.backlog import Backlog

#: The length is asked for anew after this time, so that a connection which died without a word is
#: noticed; until then an idle consumer still polls as Dramatiq's does.
RENEW_SECONDS = 30.0
#: A server that can't push is asked again after this time.
BLIND_SECONDS = 5.0
#: A consumer of a stopping worker looks this often whether it may end.
REST_SECONDS = 0.1

logger = logging.getLogger(__name__)


class QueueWatch:
    """Waits for a change of one list in Valkey, on a connection of its own."""

    def __init__(self, client: Redis, key: str) -> None:
        pool = client.connection_pool
        # Pushes need the newer protocol.
        self._connection = pool.connection_class(**{**pool.connection_kwargs, "protocol": 3})
        self._key = key
        self._tracked = False
        self._armed_until = 0.0

    def wait(self, seconds: float) -> None:
        """Return when the list has changed since the last call or holds something, or in time.

        Raises:
            RedisError: when the server is away or can't push.
        """
        try:
            if self._connection.can_read(0):
                self._armed_until = 0.0
            if monotonic() >= self._armed_until and self._arm():
                return
            if self._connection.can_read(seconds):
                self._connection.read_response(push_request=True)
                self._armed_until = 0.0
        except RedisError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next wait opens it again."""
        self._tracked = False
        self._armed_until = 0.0
        self._connection.disconnect()

    def _arm(self) -> bool:
        """Ask for a push at the next change; say whether there is something already."""
        if not self._tracked:
            self._ask("CLIENT", "TRACKING", "ON")
            self._tracked = True
        length = self._ask("LLEN", self._key)
        self._armed_until = monotonic() + RENEW_SECONDS
        return bool(length)

    def _ask(self, *command: str) -> Any:
        self._connection.send_command(*command)
        # Pushes that lie before the answer are older than it, and passed over.
        return self._connection.read_response()


class WakingConsumer(Consumer):
    """Dramatiq's own consumer, told not to sleep, and a better way to wait.

    Args:
        inner: Dramatiq's consumer of the queue, with a timeout of zero.
        watch: What to wait with when the queue is empty.
        prefetch: How many messages may run at once.
        backlog: The messages that were handed out and not begun, if more may be handed out.
        acks: What the queue's consumers of this process have yet to acknowledge.
        timeout: Milliseconds an idle consumer waits before it polls, as Dramatiq's.
        resting: Set when the worker stops: nothing is fetched any more.
    """

    def __init__(
        self,
        inner: Any,
        watch: QueueWatch,
        *,
        prefetch: int,
        backlog: Backlog | None = None,
        acks: Acks,
        timeout: int,
        resting: threading.Event,
    ) -> None:
        self._inner = inner
        self._ahead = FetchAhead(inner, prefetch, deep=backlog is not None)
        self._backlog = backlog
        self._watch = watch
        self._acks = acks
        self._timeout = timeout
        self._resting = resting
        self._room = threading.Event()
        self._misses = 0
        self._blind_until = 0.0
        self._told = False

    def __next__(self) -> MessageProxy | None:
        """Give the next message, or None after having waited a while.

        Never None while messages are held back: a paused worker would forget them.
        """
        while not self._resting.is_set():
            # Cleared before the room is looked at: whoever makes some after that sets it again.
            self._room.clear()
            if self._ahead.has_room:
                if not self._ahead.holds_back:
                    self._acknowledge()
                message = self._ahead.next()
                if message is None:
                    self._acknowledge(last=True)
                    if self._ahead.is_crowded:
                        self._wait_for_room()
                    else:
                        self._wait_for_messages()
                else:
                    self._misses = 0
                return message
            if not (self._ahead.holds_back or self._ahead.is_crowded):
                self._acknowledge(last=True)
                self._room.wait(self._timeout / 1000)
                return None
            self._wait_for_room()
        self._acknowledge(last=True)
        self._ahead.give_back()
        sleep(min(REST_SECONDS, self._timeout / 1000))
        return None

    def ack(self, message: MessageProxy) -> None:
        """Acknowledge a message, soon or at once, which makes room for another."""
        if JOB_OPTION in message.options and self._acks.keep(message):
            self._inner.queued_message_ids.discard(message.message_id)
            self._make_room(message)
            return
        try:
            self._inner.ack(message)
        except TimeoutError as error:
            # A server that hangs comes back; Dramatiq tries again, and once is as good as twice.
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        finally:
            self._make_room(message)

    def nack(self, message: MessageProxy) -> None:
        """Move a message to the dead letters, which makes room for another."""
        try:
            self._inner.nack(message)
        except TimeoutError as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        finally:
            self._make_room(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Move messages back to their queue."""
        self._inner.requeue(messages)

    def close(self) -> None:
        """Close this consumer."""
        with suppress(ConnectionClosed):  # redelivered, they change nothing
            self._acknowledge(last=True)
        self._watch.close()
        self._inner.close()

    def _acknowledge(self, *, last: bool = False) -> None:
        try:
            self._acks.send(last=last)
        except (ConnectionError, TimeoutError) as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]

    def _make_room(self, message: MessageProxy) -> None:
        self._ahead.done(message)
        self._room.set()

    def _wait_for_room(self) -> None:
        """Wait until a message is done; when that takes long, others may do what waits here."""
        if self._room.wait(HOLD_SECONDS):
            return
        if self._ahead.is_crowded and self._backlog is not None:
            with self._backlog.taken() as unbegun:
                self._ahead.give_back(unbegun)
        else:
            self._ahead.give_back()

    def _wait_for_messages(self) -> None:
        self._misses, backoff = compute_backoff(self._misses, max_backoff=self._timeout)
        if monotonic() >= self._blind_until:
            try:
                # Dramatiq's pace once it has been idle for a while.
                self._watch.wait(self._timeout / 1000 * random.uniform(0.5, 1))  # noqa: S311
            except RedisError as error:
                self._blind_until = monotonic() + BLIND_SECONDS
                # Of a server that is away, Dramatiq tells by itself.
                if isinstance(error, ResponseError) and not self._told:
                    logger.warning("idle jobs start later, Valkey does not wake us: %s", error)
                    self._told = True
            else:
                return
        sleep(backoff / 1000)
