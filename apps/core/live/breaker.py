"""Leave Valkey alone for a while after it has failed, so that nobody waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from redis.exceptions import RedisError

from apps.core.conf import conf

logger = logging.getLogger(__name__)


class ValkeyAwayError(ConnectionError):
    """Raised when Valkey has failed a moment ago and is not tried again yet."""

    def __init__(self) -> None:
        super().__init__("Valkey has failed a moment ago; it is tried again soon")


class Breaker:
    """Opens at a failure. After PUBLISH_PAUSE_SECONDS one caller at a time may try again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open_until: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether Valkey has failed, and nobody has reached it since."""
        return self._open_until is not None

    @property
    def is_due(self) -> bool:
        """Whether the pause after a failure is over."""
        return self._open_until is not None and monotonic() >= self._open_until

    def may_try(self) -> bool:
        """Tell whether the caller may try; while open, this is for one in each pause only."""
        with self._lock:
            if self._open_until is None:
                return True
            now = monotonic()
            if now < self._open_until:
                return False
            self._open_until = now + conf.PUBLISH_PAUSE_SECONDS
            return True

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Run one attempt. Raises what it raises, and ValkeyAwayError at once while open."""
        if not self.may_try():
            raise ValkeyAwayError
        try:
            yield
        except (RedisError, OSError) as error:
            self._failed(error)
            raise
        self.close()

    def close(self) -> None:
        """Let everybody through again."""
        if self._open_until is not None:
            with self._lock:
                self._open_until = None
            logger.info("Valkey answers again")

    def _failed(self, error: Exception) -> None:
        with self._lock:
            news = self._open_until is None
            self._open_until = monotonic() + conf.PUBLISH_PAUSE_SECONDS
        if news:
            logger.warning("events wait, Valkey can't be reached: %s", error)


#: One for the process: whoever finds Valkey away spares the others the wait.
breaker = Breaker()
