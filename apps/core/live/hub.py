"""The open streams of one web process, and the channels that they read."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from weakref import WeakKeyDictionary

from apps.core.conf import conf
from apps.core.live import shutdown
from apps.core.live.channel import Channel
from apps.core.live.event import Event, encode, follows, is_before
from apps.core.live.history import Found, Since
from apps.core.live.reader import WINDOW_SECONDS, Reader
from apps.core.live.retelling import Retelling
from apps.core.live.rights import Rights
from apps.core.live.subscriber import Subscriber
from apps.core.live.ticket import ticket_of

KEEP_ALIVE = b"event: keep-alive\ndata:\n\n"
#: Keep-alives are spread over the interval, so that ten thousand don't leave at once.
SLOTS = 20
#: Keep-alives between which the loop does what else there is to do.
SAID_AT_ONCE = 20
LONGEST_BEAT_SECONDS = 1.0
#: Channels without readers are given up together, after this time: pages come and go.
LINGER_SECONDS = 2.0
#: Clients come back after a jittered time, and so many of one process per second at most.
RETURN_AFTER_SECONDS = 1.0
RETURN_WITHIN_SECONDS = 3.0
RETURNS_PER_SECOND = 800.0

logger = logging.getLogger(__name__)


class Hub:
    """Hands each event to the readers of its channel. One per event loop."""

    def __init__(self) -> None:
        self.channels: dict[bytes, Channel] = {}
        self.readers: set[Reader] = set()
        self.stopping = False
        self.subscriber = Subscriber(self)
        self.rights = Rights(self)
        self.retelling = Retelling(self)
        self._loop = asyncio.get_running_loop()
        self._held: list[Reader] = []
        self._slots: list[set[Reader]] = [set() for _ in range(SLOTS)]
        self._next_slot = 0
        self._deserted: set[Channel] = set()
        self._task: asyncio.Task[None] | None = None

    def channels_of(self, names: Iterable[str]) -> tuple[Channel, ...]:
        """Give the channels with these names; events of new ones are asked for."""
        found, new = [], []
        for name in names:
            channel = Channel(name)
            known = self.channels.get(channel.topic)
            if known is None:
                self.channels[channel.topic] = known = channel
                new.append(channel)
            found.append(known)
        if new:
            self.subscriber.want(new)
        return tuple(found)

    def join(self, reader: Reader) -> None:
        """Start to feed a reader; the first one starts the subscription."""
        self.readers.add(reader)
        for channel in reader.channels:
            channel.readers.add(reader)
            self._deserted.discard(channel)
        self._next_slot = reader.slot = (self._next_slot + 1) % SLOTS
        self._slots[reader.slot].add(reader)
        shutdown.watch(self)
        if self._task is None:
            self._task = asyncio.create_task(self._beat(), name="heron-streams")
        self.subscriber.start()
        if self.stopping:
            reader.end(self.goodbye())

    def leave(self, reader: Reader) -> None:
        """Stop feeding a reader; some time after the last one the subscription ends."""
        reader.abandon()
        self.readers.discard(reader)
        self._slots[reader.slot].discard(reader)
        for channel in reader.channels:
            channel.readers.discard(reader)
            if not channel.readers:
                if not self._deserted:
                    self._loop.call_later(LINGER_SECONDS, self._give_up_deserted)
                self._deserted.add(channel)

    async def until_live(self, channels: Sequence[Channel], within: float) -> bool:
        """Wait until events of these channels arrive here; False when that takes too long."""
        until = self._loop.time() + within
        for channel in channels:
            if not channel.live and self._loop.time() < until:
                await channel.until_live(within)
        return all(channel.live for channel in channels)

    def receive(self, topic: bytes, raw: bytes) -> None:
        """Take an event from Valkey."""
        channel = self.channels.get(topic)
        if channel is None:
            return
        try:
            event = Event.parse(raw)
        except ValueError as error:
            # Anybody may publish there; one bad message must not stop the others.
            logger.warning("a message on %r could not be read: %s", topic, error)
            return
        last = channel.last
        if last is None or follows(event.id, last):
            self.deliver(channel, event)
        elif not is_before(event.id, last):
            self.subscriber.heal(channel)

    def healed(self, channel: Channel, since: Since) -> None:
        """Take what the history tells about a channel that may have missed something."""
        last = channel.last
        if last is None:
            channel.last = since.newest
            if channel.blind:
                self.retelling.tell(channel)
        elif since.found is Found.CANT_REPLAY:
            channel.last = since.newest
            self.retelling.tell(channel)
        else:
            for event in since.events:
                if not is_before(event.id, channel.last or 0):
                    self.deliver(channel, event)
        channel.blind = False
        channel.goes_live()

    def deliver(self, channel: Channel, event: Event) -> None:
        """Hand an event to a channel's readers."""
        channel.last = event.id
        now = self._loop.time()
        for reader in channel.readers:
            reader.put(channel, event, now)

    def reset(self, channel: Channel) -> None:
        """Have a channel's readers read the state anew."""
        for reader in channel.readers:
            reader.reset()

    def hold(self, reader: Reader) -> None:
        """Let a busy reader wait until the end of the window."""
        if not self._held:
            self._loop.call_later(WINDOW_SECONDS, self._release_held)
        self._held.append(reader)

    def end(self, which: Callable[[Reader], bool], last_words: bytes) -> int:
        """End some streams; tell how many."""
        ended = [reader for reader in self.readers if not reader.ended and which(reader)]
        for reader in ended:
            reader.end(last_words)
        return len(ended)

    def stop(self) -> None:
        """End all streams, because the process stops; clients come back spread over some time."""
        self.stopping = True
        for reader in list(self.readers):
            reader.end(self.goodbye())

    def goodbye(self) -> bytes:
        """Say when to come back: in words for a browser, and in an event for our own script."""
        retry_ms = self.retry_ms()
        data = json.dumps({"retry": retry_ms}).encode()
        return b"retry: %d\n\n%b" % (retry_ms, encode(b"stream-close", b"", data))

    def retry_ms(self) -> int:
        """Choose when one client comes back, in milliseconds: the more there are, the wider."""
        within = max(RETURN_WITHIN_SECONDS, len(self.readers) / RETURNS_PER_SECOND)
        return int(1000 * (RETURN_AFTER_SECONDS + random.uniform(0, within)))  # noqa: S311 (jitter)

    async def close(self) -> None:
        """Stop all that runs in the background."""
        for task in (self._task, self.subscriber.task, self.retelling.task):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._task = None

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for reader in held:
            if not reader.gone:
                reader.flush()

    def _give_up_deserted(self) -> None:
        deserted, self._deserted = self._deserted, set()
        for channel in deserted:
            del self.channels[channel.topic]
        self.subscriber.give_up(list(deserted))
        if not self.channels and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _beat(self) -> None:
        """Break each stream's silence, once per interval, and look after everybody's rights."""
        slot, next_slot_at = 0, self._loop.time()
        while True:
            pause = conf.KEEP_ALIVE_SECONDS / SLOTS
            await asyncio.sleep(min(pause, LONGEST_BEAT_SECONDS))
            if self._loop.time() >= next_slot_at:
                slot, next_slot_at = (slot + 1) % SLOTS, next_slot_at + pause
                await self._break_silence(list(self._slots[slot]))
            try:
                self.subscriber.watch()
                self.rights.beat()
            except Exception:
                # Whatever it was, everybody's keep-alive depends on the next beat.
                logger.exception("a beat of the streams has failed")

    async def _break_silence(self, readers: Sequence[Reader]) -> None:
        """Send keep-alives, a few at a time: an event must not wait for hundreds of them."""
        for start in range(0, len(readers), SAID_AT_ONCE):
            for reader in readers[start : start + SAID_AT_ONCE]:
                reader.say(KEEP_ALIVE + renewal(reader) if reader.renews else KEEP_ALIVE)
            await asyncio.sleep(0)


def renewal(reader: Reader) -> bytes:
    """Give a fresh ticket to who came on one: after a crash thousands come back at once."""
    return encode(b"stream-ticket", b"", json.dumps({"ticket": ticket_of(reader.pass_)}).encode())


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """Give the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    return hub
