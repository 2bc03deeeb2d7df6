"""One open stream: sends at once while its socket takes it, and keeps the newest states else."""

from __future__ import annotations

import asyncio
import inspect
import json
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from apps.core.live.event import Event, Message, encode, is_before

if TYPE_CHECKING:
    from apps.core.live.channel import Channel

Send = Callable[[Message], Awaitable[None]]

#: Above this many events a second, after a burst of as many as fit into BURST_SECONDS, a reader
#: gets what came within each WINDOW_SECONDS together, and of each job the newest state only.
DIRECT_PER_SECOND = 20.0
BURST_SECONDS = 0.4
WINDOW_SECONDS = 0.1
#: What a reader that does not read may leave unread here, beside what its socket holds.
MOST_KEPT_EVENTS = 500
MOST_KEPT_BYTES = 1_000_000
#: As much is handed to the socket at once.
SLICE_BYTES = 65_536

#: Before any id, also before that of a channel on which nothing has happened yet.
NOWHERE = -1

_COST = 1.0 / DIRECT_PER_SECOND
_MOST_AHEAD = BURST_SECONDS + 2 * WINDOW_SECONDS


class Reader:
    """A stream to one client.

    No task and no queue of its own: an event is written by whoever brings it. Only when the socket
    is full does a task wait for it; what comes meanwhile is kept, the newest of each key.
    """

    __slots__ = (
        "_ahead",
        "_busy",
        "_kept",
        "_last_words",
        "_overflowed",
        "_send",
        "_size",
        "_task",
        "channels",
        "ended",
        "gone",
        "hold",
        "ids",
        "pass_",
        "renews",
        "slot",
    )

    def __init__(
        self, channels: tuple[Channel, ...], send: Send, hold: Callable[[Reader], None]
    ) -> None:
        self.channels = channels
        #: What it has been sent, by channel; kept only where one event's id doesn't say it all.
        self.ids: dict[str, int] | None = None if len(channels) == 1 else {}
        #: Asks for `flush` to be called at the end of the window.
        self.hold = hold
        #: Who reads; of no interest here.
        self.pass_: Any = None
        #: Whether it came on a ticket, and so wants a new one from time to time.
        self.renews = False
        #: When its keep-alive is due, on the hub's wheel.
        self.slot = 0
        self.ended = False
        self.gone = False
        # By hand, see `_write`: that needs a coroutine, and ASGI promises an awaitable only.
        self._send = send if inspect.iscoroutinefunction(send) else _as_coroutine(send)
        #: Until `start`, events are kept: the stream's first bytes are not sent yet.
        self._busy = True
        self._kept: dict[Hashable, tuple[Channel, Event]] | None = None
        self._size = 0
        self._overflowed = False
        self._last_words: bytes | None = None
        self._ahead = 0.0
        self._task: asyncio.Task[None] | None = None

    def put(self, channel: Channel, event: Event, now: float) -> None:
        """Send an event, at once or as soon as that is possible."""
        ahead = (self._ahead if self._ahead > now else now) + _COST
        self._ahead = ahead if ahead < now + _MOST_AHEAD else now + _MOST_AHEAD
        if self._busy:
            self._keep(channel, event)
        elif ahead > now + BURST_SECONDS:
            self._busy = True
            self._keep(channel, event)
            self.hold(self)
        elif self.ids is None:
            self._write(event.message(channel.label))
        else:
            self._write(_body(self._frame(channel, event)))

    def say(self, frame: bytes) -> None:
        """Send a frame that is no event (a keep-alive), unless there is enough to send anyway."""
        if not self._busy:
            self._write(_body(frame))

    def reset(self) -> None:
        """Tell the client that it has missed something, and must read the state anew."""
        self._kept, self._size, self._overflowed = None, 0, True
        if not self._busy:
            self.flush()

    def start(self, places: Mapping[str, int]) -> None:
        """Begin to send: the first bytes are out, and say all up to these ids."""
        if self.ids is not None:
            self.ids.update(places)
        for key, (channel, event) in list((self._kept or {}).items()):
            if is_before(event.id, places.get(channel.name, NOWHERE)):
                del self._kept[key]  # type: ignore[union-attr]  # it has this key
                self._size -= len(event.data)
        self.flush()

    def flush(self) -> None:
        """Send what has been kept."""
        self._busy = False
        while not self._busy and (self._kept or self._overflowed):
            self._write(_body(self._take()))
        if not self._busy and self._last_words is not None:
            self._finish_stream()

    def end(self, last_words: bytes) -> None:
        """End the stream after what has been kept."""
        if not self.ended:
            self.ended = True
            self._last_words = last_words
            if not self._busy:
                self._finish_stream()

    def abandon(self) -> None:
        """Forget the client: it has gone."""
        self.gone = self.ended = self._busy = True
        self._kept = None
        if self._task is not None:
            self._task.cancel()

    @property
    def resume_id(self) -> bytes:
        """The place that the client has come to."""
        if self.ids is None:
            channel = self.channels[0]
            return b"" if channel.last is None else b"%b:%d" % (channel.label, channel.last)
        labels = {channel.name: channel.label for channel in self.channels}
        return b",".join(b"%b:%d" % (labels[name], last) for name, last in self.ids.items())

    def _keep(self, channel: Channel, event: Event) -> None:
        if self._overflowed or self.ended:
            return
        kept = self._kept
        if kept is None:
            kept = self._kept = {}
        key: Hashable = event.key or event.id
        if self.ids is not None:
            key = (channel.name, key)
        before = kept.pop(key, None)
        if before is not None:
            self._size -= len(before[1].data)
        kept[key] = (channel, event)
        self._size += len(event.data)
        if before is None and (len(kept) > MOST_KEPT_EVENTS or self._size > MOST_KEPT_BYTES):
            self.reset()

    def _take(self) -> bytes:
        if self._overflowed:
            self._overflowed = False
            return self._reset_frame()
        kept, self._kept, self._size = self._kept or {}, None, 0
        frames, size = [], 0
        for key, (channel, event) in kept.items():
            if size >= SLICE_BYTES:
                rest = self._kept = self._kept or {}
                rest[key] = (channel, event)
                self._size += len(event.data)
                continue
            frame = self._frame(channel, event)
            frames.append(frame)
            size += len(frame)
        return b"".join(frames)

    def _frame(self, channel: Channel, event: Event) -> bytes:
        if self.ids is None:
            body: bytes = event.message(channel.label)["body"]
            return body
        self.ids[channel.name] = event.id
        return event.frame(self.resume_id)

    def _reset_frame(self) -> bytes:
        if self.ids is not None:
            self.ids.update({c.name: c.last for c in self.channels if c.last is not None})
        names = [channel.name for channel in self.channels]
        return encode(b"stream-reset", self.resume_id, json.dumps({"channels": names}).encode())

    def _write(self, message: Message) -> None:
        """Run `send` up to its end, or to where it waits for the socket.

        Mostly it does not wait: then this costs neither a task nor a turn of the event loop.
        """
        sending: Any = self._send(message)
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except Exception:  # noqa: BLE001 (each server has its own)
            # The client has gone, which the server also tells whoever holds the stream. The trouble
            # of one reader must not keep an event from the others.
            self.abandon()
        else:
            self._busy = True
            self._task = asyncio.get_running_loop().create_task(self._wait(sending, waits_for))

    async def _wait(self, sending: Coroutine[Any, Any, None], waits_for: Any) -> None:
        try:
            await _go_on(sending, waits_for)
        except Exception:  # noqa: BLE001 (as above)
            self._task = None
            self.abandon()
        else:
            self._task = None
            self.flush()

    def _finish_stream(self) -> None:
        body, self._last_words = self._last_words or b"", None
        self._write({"type": "http.response.body", "body": body, "more_body": False})
        self._busy = True


def _body(frames: bytes) -> Message:
    return {"type": "http.response.body", "body": frames, "more_body": True}


def _as_coroutine(send: Send) -> Send:
    async def as_coroutine(message: Message) -> None:
        await send(message)

    return as_coroutine


@types.coroutine
def _go_on(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Await the rest of a coroutine that has been run as far as `waits_for`."""
    try:
        yield waits_for
    except BaseException:
        coroutine.close()
        raise
    yield from coroutine  # which types.coroutine allows
