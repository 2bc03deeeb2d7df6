"""Listen to Valkey for ever: one connection per process, for the channels with a reader here.

django-eventstream's own listener dies for good when Valkey is away for a few seconds, and nobody
notices: streams stay open and silent. This one comes back, and then looks up in the history what
each channel has missed. redis-py's own retry is off: a silent resubscription would hide the gap.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from apps.core.live import kick
from apps.core.live.history import READ_AT_ONCE, Reading, since_async
from apps.core.live.valkey import async_client, is_configured

if TYPE_CHECKING:
    from apps.core.live.channel import Channel
    from apps.core.live.hub import Hub

FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 1.0
#: Valkey is asked for a sign of life so often, and left when it has given none for so long.
PING_SECONDS = 5.0
SILENCE_SECONDS = 12.0
#: Channels named in one command.
SUBSCRIBE_AT_ONCE = 500
#: When many come at once, as after a restart, commands are this far apart and name many channels.
GATHER_SECONDS = 0.01

logger = logging.getLogger(__name__)


class _Pace:
    """Lets those who come in a crowd go together, and a lone one at once."""

    def __init__(self) -> None:
        self._last = 0.0

    async def gather(self) -> None:
        """Wait a little for others to come, unless nobody has come for a while."""
        now = asyncio.get_running_loop().time()
        if now - self._last < 2 * GATHER_SECONDS:
            await asyncio.sleep(GATHER_SECONDS)
        self._last = now


class Subscriber:
    """Brings what is published to the hub, and what was missed."""

    def __init__(self, hub: Hub) -> None:
        self.task: asyncio.Task[None] | None = None
        #: Whether Valkey is known to be away: no use in waiting for it.
        self.away = False
        self._hub = hub
        self._client: Any = None
        self._connection: Any = None
        self._reading: Reading | None = None
        #: Channels that are new, or that nobody reads any more, until the next command.
        self._wanted: dict[bytes, None] = {}
        self._unwanted: dict[bytes, None] = {}
        #: Channels to look up in the history.
        self._stale: dict[Channel, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._healing = False
        self._commanding = False
        self._heard = self._pinged = 0.0
        #: When Valkey was last asked for channels, and for what they have missed.
        self._commanded, self._healed = _Pace(), _Pace()
        #: How long to wait for the next word from Valkey.
        self._patience: asyncio.Timeout | None = None

    @property
    def reading(self) -> Reading:
        """Looks into the history on behalf of readers."""
        if self._reading is None:
            self._client = async_client()
            self._reading = Reading(self._client)
        return self._reading

    def start(self) -> None:
        """Begin to listen, if there is anything to listen to."""
        if self.task is None and is_configured():
            self.task = asyncio.create_task(self._listen(), name="heron-subscriber")

    def want(self, channels: Iterable[Channel]) -> None:
        """Ask for the events of new channels."""
        for channel in channels:
            self._unwanted.pop(channel.topic, None)
            self._wanted[channel.topic] = None
        self._command_soon()

    def give_up(self, channels: Sequence[Channel]) -> None:
        """Ask no more for the events of channels; without any, listen no more."""
        for channel in channels:
            self._wanted.pop(channel.topic, None)
            self._stale.pop(channel, None)
            self._unwanted[channel.topic] = None
        if not self._hub.channels and self.task is not None:
            self.task.cancel()
            self.task = None
        else:
            self._command_soon()

    def heal(self, channel: Channel) -> None:
        """Look up what a channel has missed."""
        self._stale[channel] = None
        if not self._healing and self._connection is not None:
            self._healing = True
            self._run(self._heal())

    def watch(self) -> None:
        """Ask for a sign of life now and then; a cut line gives no error by itself."""
        now = asyncio.get_running_loop().time()
        if self._connection is None or self._patience is None or now - self._pinged < PING_SECONDS:
            return
        self._pinged = now
        self._patience.reschedule(self._heard + SILENCE_SECONDS)
        self._run(self._send("PING"))

    async def _listen(self) -> None:
        """Feed the hub until cancelled, whatever happens to Valkey."""
        delay = FIRST_DELAY_SECONDS
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                try:
                    await self._listen_once()
                except (RedisError, OSError) as error:  # TimeoutError is an OSError
                    self.away = True
                    logger.warning("no events from Valkey, trying again: %s", error)
                self._lost()
                if loop.time() - began > LONGEST_DELAY_SECONDS:
                    delay = FIRST_DELAY_SECONDS
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)
        finally:
            # Readers that have just come may have started to listen anew.
            if self.task is None or self.task is asyncio.current_task():
                self._lost()
                if self._client is not None:
                    client, self._client, self._reading = self._client, None, None
                    await client.aclose()

    async def _listen_once(self) -> None:
        """Subscribe and hand on what comes; raises when the connection ends."""
        client = async_client()
        pool: Any = client.connection_pool  # which is only partly typed
        connection = None
        try:
            connection = await pool.get_connection()
            async with asyncio.timeout(None) as patience:
                try:
                    await self._use(connection, patience)
                finally:
                    if self._connection is connection:
                        self._connection = None
        finally:
            if connection is not None:
                await connection.disconnect(nowait=True)
            await client.aclose()

    async def _use(self, connection: Any, patience: asyncio.Timeout) -> None:
        self._wanted.clear()
        self._unwanted.clear()
        topics = [kick.TOPIC, *self._hub.channels]
        self._heard = self._pinged = asyncio.get_running_loop().time()
        self._connection, self._patience = connection, patience
        for start in range(0, len(topics), SUBSCRIBE_AT_ONCE):
            await self._send("SUBSCRIBE", *topics[start : start + SUBSCRIBE_AT_ONCE])
        await self._hand_on(connection)

    async def _hand_on(self, connection: Any) -> None:
        clock = asyncio.get_running_loop().time
        hub = self._hub
        while True:
            reply = await connection.read_response(timeout=math.inf, disconnect_on_error=False)
            self._heard = clock()
            kind, topic = reply[0], reply[1]
            if kind == b"message":
                if topic == kick.TOPIC:
                    hub.rights.kicked(reply[2])
                else:
                    hub.receive(topic, reply[2])
            elif kind == b"subscribe":
                self.away = False
                channel = hub.channels.get(topic)
                if channel is not None:
                    self.heal(channel)

    async def _heal(self) -> None:
        """Look up stale channels until there are none; one that errs again comes again."""
        delay = FIRST_DELAY_SECONDS
        try:
            while self._stale and self._connection is not None:
                await self._healed.gather()
                batch = list(islice(self._stale, READ_AT_ONCE))
                for channel in batch:
                    del self._stale[channel]
                asked = [(channel.name, channel.last) for channel in batch]
                self.reading  # noqa: B018 (makes the client)
                try:
                    answers = await since_async(self._client, asked)
                except (RedisError, OSError) as error:
                    logger.warning("the history can't be read, trying again: %s", error)
                    self._stale.update(dict.fromkeys(batch))
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, LONGEST_DELAY_SECONDS)
                    continue
                delay = FIRST_DELAY_SECONDS
                for channel, answer in zip(batch, answers, strict=True):
                    self._hub.healed(channel, answer)
        finally:
            self._healing = False

    def _lost(self) -> None:
        self._connection = None
        self._stale.clear()
        for channel in self._hub.channels.values():
            channel.live = False

    def _command_soon(self) -> None:
        if self._connection is not None and not self._commanding:
            self._commanding = True
            self._run(self._command())

    async def _command(self) -> None:
        """Send what has come together since the last command."""
        try:
            while self._wanted or self._unwanted:
                await self._commanded.gather()
                wanted, self._wanted = list(self._wanted), {}
                unwanted, self._unwanted = list(self._unwanted), {}
                for command, topics in (("SUBSCRIBE", wanted), ("UNSUBSCRIBE", unwanted)):
                    for start in range(0, len(topics), SUBSCRIBE_AT_ONCE):
                        await self._send(command, *topics[start : start + SUBSCRIBE_AT_ONCE])
        finally:
            self._commanding = False

    async def _send(self, *command: str | bytes) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.send_command(*command, check_health=False)
        except (RedisError, OSError):
            # Whoever reads from the connection hears of it too, and makes a new one.
            return

    def _run(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
