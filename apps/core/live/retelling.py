"""What Valkey has lost, told again from the rows: once, for all the readers of a channel.

When Valkey comes back without its memory nobody can say what a stream has missed. Told to read the
state anew, ten thousand pages would ask for ten thousand snapshots in the same second. A job's
state is one row, and hundreds of rows are one query.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from django.db import Error as DatabaseProblem
from django.db import connections

from apps.core.live.channels import JOB_PREFIX
from apps.core.live.event import Event
from apps.core.live.states import JOBS_AT_ONCE, State, states_of

if TYPE_CHECKING:
    from apps.core.live.channel import Channel
    from apps.core.live.hub import Hub

#: Channels are lost together: those that come within this time share a query.
GATHER_SECONDS = 0.02

logger = logging.getLogger(__name__)


class Retelling:
    """Tells the readers of channels where their jobs stand; of one event loop."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        #: Channels to be told of, with the newest event of each when it was noticed.
        self._waiting: dict[Channel, int] = {}
        self.task: asyncio.Task[None] | None = None

    def tell(self, channel: Channel) -> None:
        """Tell a channel's readers where its job stands; or, if it is no job's, to read anew."""
        if channel.last is None or not channel.name.startswith(JOB_PREFIX):
            self._hub.reset(channel)
            return
        self._waiting[channel] = channel.last
        if self.task is None:
            self.task = asyncio.create_task(self._tell_all(), name="heron-retelling")

    async def _tell_all(self) -> None:
        loop = asyncio.get_running_loop()
        # Ends with its work: a thread and its connection are wanted once in a blue moon.
        thread = ThreadPoolExecutor(1, thread_name_prefix="heron-retelling")
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_SECONDS)
                batch = dict(islice(self._waiting.items(), JOBS_AT_ONCE))
                for channel in batch:
                    del self._waiting[channel]
                job_ids = [channel.name.removeprefix(JOB_PREFIX) for channel in batch]
                states = await loop.run_in_executor(thread, _in_this_thread, job_ids)
                for (channel, last), job_id in zip(batch.items(), job_ids, strict=True):
                    self._pass_on(channel, last, states.get(job_id))
        finally:
            self.task = None
            thread.shutdown(wait=False)

    def _pass_on(self, channel: Channel, last: int, state: State | None) -> None:
        if state is None:
            # Gone, or the database is away as well: the reader finds out by itself.
            self._hub.reset(channel)
        elif channel.last == last:
            kind, key = state.kind.encode(), state.job_id.encode()
            self._hub.deliver(channel, Event(last, kind, key, state.data.encode()))
        # Else an event has come meanwhile, and says what is newer.


def _in_this_thread(job_ids: list[str]) -> dict[str, State]:
    try:
        return {state.job_id: state for state in states_of(job_ids)}
    except DatabaseProblem as error:
        logger.warning("states can't be told again, readers ask for them: %s", error)
        return {}
    except Exception:
        # One row that can't be told must not keep the others' readers waiting.
        logger.exception("states can't be told again, readers ask for them")
        return {}
    finally:
        connections.close_all()
