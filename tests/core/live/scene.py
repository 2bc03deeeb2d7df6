"""A Valkey that may die, and clients of the real hub."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from apps.core.live import history
from apps.core.live.event import parse_resume_id
from apps.core.live.hub import current_hub
from apps.core.live.rights import Pass
from apps.core.live.serving import Resume, serve
from apps.core.live.valkey import key_of
from tests.support.valkey import Valkey

#: Generous: these tests wait for something to happen, and fail when it never does.
PATIENCE_SECONDS = 20.0
KEEP_ALIVE = b"event: keep-alive\ndata:\n\n"


class OwnValkey(Valkey):
    """A Valkey in which a test may do what other processes do."""

    def publish(self, channel: str, kind: str, data: dict[str, Any]) -> int:
        """Publish as another process does."""
        key = str(data.get("job_id", ""))
        outgoing = history.Outgoing([channel], kind, json.dumps(data), key)
        ((event_id,),) = history.append_all(self.client(), [outgoing])
        return event_id


class Client:
    """What a client reads of its stream."""

    def __init__(self) -> None:
        self.read = b""
        self.ended = False
        self.gone = asyncio.Event()
        self.slow_s = 0.0
        self._news = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        self.read += message.get("body", b"")
        self._news.set()
        if not message.get("more_body", True):
            self.ended = True
            self.gone.set()
        if self.slow_s:
            await asyncio.sleep(self.slow_s)

    async def until(self, wanted: bytes) -> None:
        """Wait until something has been read."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while wanted not in self.read:
                self._news.clear()
                await self._news.wait()

    @property
    def seqs(self) -> list[int]:
        return [int(n) for n in re.findall(rb'"seq": (\d+)', self.read)]

    @property
    def last_id(self) -> Resume:
        return parse_resume_id(re.findall(rb"^id: (.*)$", self.read, re.M)[-1].decode())


@asynccontextmanager
async def reading(
    *channels: str,
    resume: Resume | None = None,
    user: str = "5",
    session: str | None = None,
    by_ticket: bool = False,
) -> AsyncIterator[Client]:
    """A client whose stream is open."""
    client = Client()
    held = Pass(user, session, channels)
    holder = asyncio.create_task(
        serve(held, resume or {}, client.send, client.gone.wait, is_checked=not by_ticket)
    )
    try:
        await client.until(b"event: stream-open\ndata:\n\n")
        yield client
    finally:
        client.gone.set()
        await holder


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def whole() -> None:
        try:
            await scenario
        finally:
            await current_hub().close()

    asyncio.run(whole())


def subscribers(valkey: OwnValkey, channel: str) -> int:
    ((_, count),) = valkey.client().pubsub_numsub(key_of(channel))
    return int(count)
