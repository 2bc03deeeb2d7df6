"""Hold one stream from its first byte to its last, whoever carries the bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from apps.core.live.event import Event, encode, resume_id
from apps.core.live.history import Found, Since
from apps.core.live.hub import Hub, current_hub
from apps.core.live.reader import Reader, Send
from apps.core.live.rights import Pass
from apps.core.live.valkey import is_configured

#: Padding first: some proxies and browsers hold back the first two kilobytes.
PADDING = b":" + b" " * 2048 + b"\n\n"
OPEN = b"event: stream-open\ndata:\n\n"
#: How long a stream waits for Valkey before it opens all the same; the page reads snapshots.
OPEN_ANYWAY_SECONDS = 2.0

#: Where a reader was, by channel: None for a place that can't be understood.
Resume = Mapping[str, int | None]


async def serve(
    pass_: Pass,
    resume: Resume,
    send: Send,
    until_gone: Callable[[], Awaitable[Any]],
    *,
    start: dict[str, Any] | None = None,
    is_checked: bool = True,
) -> None:
    """Send events until the stream ends or the client has gone.

    `start` is the message that opens the response; `is_checked` is false for a reader that was let
    in on a ticket.
    """
    hub = current_hub()
    reader = Reader(hub.channels_of(pass_.channels), send, hub.hold)
    reader.pass_ = pass_
    hub.join(reader)
    if not is_checked:
        reader.renews = True
        hub.rights.check_soon(reader)
    try:
        # Only once events arrive: nothing can fall between what the page knows and the stream.
        is_hopeful = is_configured() and not hub.subscriber.away
        live = await hub.until_live(reader.channels, OPEN_ANYWAY_SECONDS if is_hopeful else 0.0)
        body, places = await _first_bytes(hub, reader, resume, live=live)
        if start is not None:
            await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": True})
        reader.start(places)
        # What is held for hours holds as little as it can.
        del body, places, start, resume, pass_
        await until_gone()
    finally:
        hub.leave(reader)


async def _first_bytes(
    hub: Hub, reader: Reader, resume: Resume, *, live: bool
) -> tuple[bytes, dict[str, int]]:
    """Give the stream's first bytes, and the place in each channel that they come to."""
    since = await _missed(hub, reader, resume) if live else {}
    # From here on without a pause: what arrives later is kept by the reader, and sent afterwards.
    begin: dict[str, int] = {}
    places: dict[str, int] = {}
    missed: list[tuple[str, Event]] = []
    lost = []
    for channel in reader.channels:
        name, last = channel.name, channel.last
        found = since.get(name)
        channel.blind |= not channel.live
        if name in resume and (found is None or found.found is Found.CANT_REPLAY):
            lost.append(name)
        elif found is not None and (place := resume[name]) is not None:
            begin[name] = place
            last = found.newest
            missed += [(name, event) for event in found.events]
        if last is not None:
            places[name] = last
            begin.setdefault(name, last)
    hints = b"retry: %d\n" % hub.retry_ms()
    if begin:
        # A client that hears of no event before it has to come back knows its place all the same.
        hints += b"id: %b\n" % resume_id(begin).encode()
    parts = [PADDING, hints, b"\n", OPEN]
    if lost:
        told = json.dumps({"channels": lost}).encode()
        parts.append(encode(b"stream-reset", resume_id(begin).encode(), told))
    for name, event in missed:
        begin[name] = event.id
        parts.append(event.frame(resume_id(begin).encode()))
    return b"".join(parts), places


async def _missed(hub: Hub, reader: Reader, resume: Resume) -> dict[str, Since | None]:
    """Look up what has happened since the reader's places; None for a place that is not known."""
    found: dict[str, Since | None] = {}
    asked: dict[str, asyncio.Future[Since | None]] = {}
    for channel in reader.channels:
        last = resume.get(channel.name)
        if last is None:
            continue
        if last == channel.last:
            found[channel.name] = Since(Found.NOTHING_MISSED, last)
        else:
            asked[channel.name] = hub.subscriber.reading.since(channel.name, last)
    for name, future in asked.items():
        # Shared with other readers: one that gives up must not take the answer from them.
        found[name] = await asyncio.shield(future)
    return found
