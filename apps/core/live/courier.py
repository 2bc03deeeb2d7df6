"""Carries states to Valkey in a thread of its own, so that no job waits for the way.

What comes while a round trip is under way goes together with the next one, and of a job's states
only the newest: the busier a process is, the less it has to send.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import NamedTuple

from django.db import close_old_connections, connections

from apps.core.models import SSEProgress

#: The thread ends when nothing has come for this time.
LINGER_SECONDS = 5.0
#: States in one round trip at the most.
LOAD = 200
#: The rest after a round trip. The first state of a quiet process goes at once; in a busy one a job
#: that is over sooner than that is told of once, and not twice.
REST_SECONDS = 0.01

logger = logging.getLogger(__name__)


class Letter(NamedTuple):
    """A job's state as it was when it was handed over, and the kind of its event."""

    job: SSEProgress
    kind: str


class Courier:
    """Takes letters at any time, and gives them to `deliver`, many at once."""

    def __init__(self, deliver: Callable[[Sequence[Letter]], None]) -> None:
        self._deliver = deliver
        self._changed = threading.Condition()
        self._letters: dict[str, Letter] = {}
        self._thread: threading.Thread | None = None
        self._pid = 0
        #: Whether letters are on their way that `_letters` no longer holds.
        self._is_out = False

    def take(self, job: SSEProgress, kind: str) -> None:
        """Take a state over; the job may change from now on."""
        with self._changed:
            if self._pid != os.getpid():  # threads don't survive a fork
                self._letters, self._thread, self._is_out = {}, None, False
                self._pid = os.getpid()
            waiting = self._letters.get(job.job_id)
            if waiting is not None and kind == "progress":
                kind = waiting.kind  # a warning must not be hidden by what follows it
            self._letters[job.job_id] = Letter(_as_it_is(job), kind)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="heron-events", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, within_s: float) -> bool:
        """Wait until nothing is left to carry; False when that takes longer."""
        deadline = monotonic() + within_s
        with self._changed:
            return self._changed.wait_for(
                lambda: self._pid != os.getpid() or not (self._letters or self._is_out),
                deadline - monotonic(),
            )

    def _run(self) -> None:
        try:
            while letters := self._next():
                self._carry(letters)
                self._come_back()
                sleep(REST_SECONDS)
        finally:
            connections.close_all()

    def _next(self) -> list[Letter]:
        """Wait for letters; none when it is time to end."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._letters, LINGER_SECONDS):
                self._thread = None
                return []
            keys = list(self._letters)[:LOAD]
            self._is_out = True
            return [self._letters.pop(key) for key in keys]

    def _come_back(self) -> None:
        with self._changed:
            self._is_out = False
            self._changed.notify_all()

    def _carry(self, letters: list[Letter]) -> None:
        close_old_connections()
        try:
            self._deliver(letters)
        except Exception:
            # Nothing above knows what these were; the next ones must still go.
            logger.exception("%s events could not be sent", len(letters))


def _as_it_is(job: SSEProgress) -> SSEProgress:
    """Copy a row in memory; its dicts are replaced when they change, so they may be shared."""
    copy = SSEProgress.__new__(SSEProgress)
    copy.__dict__.update(job.__dict__)
    return copy
