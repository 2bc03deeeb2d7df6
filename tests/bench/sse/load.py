"""One load on one server: so many events, and what they cost it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tests.bench.sse.crowd import Crowd
from tests.bench.sse.stage import Rig

#: How long after the last event its arrival is waited for.
GRACE_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a load cost, and what came of it."""

    cpu_s: float
    events: int
    #: An event for a reader who watches its job: what should come, or be replaced by a newer one.
    due: int
    received: int
    newest: int
    readers: int
    p50_ms: float
    p99_ms: float

    @property
    def us_per_delivery(self) -> float:
        """Return the processor time for each delivery that was due."""
        return self.cpu_s / self.due * 1e6

    @property
    def us_per_event(self) -> float:
        """Return the processor time for each event."""
        return self.cpu_s / self.events * 1e6

    @property
    def share(self) -> str:
        """Say how much of what was due has come, and who has the newest state."""
        percent = 100 * self.received / self.due
        return f"{percent:.0f} % received, {self.newest} of {self.readers} with the newest state"


async def cost(rig: Rig, crowd: Crowd, *, rate: float, seconds: float, jobs: int = 1) -> Cost:
    """Publish at a rate for some seconds, in turns to so many jobs that the crowd watches."""
    crowd.forget()
    events = int(rate * seconds)
    before = rig.server.cpu_s
    told = await rig.publisher.publish(events, rate=rate, jobs=jobs)
    seqs = told["seqs"]
    readers = len(crowd.readers)
    await crowd.until(lambda: crowd.newest_count(seqs) == readers, within_s=GRACE_S)
    return Cost(
        cpu_s=rig.server.cpu_s - before,
        events=events,
        due=events * readers if jobs == 1 else events,
        received=crowd.totals.received,
        newest=crowd.newest_count(seqs),
        readers=readers,
        p50_ms=crowd.latency_ms(0.5),
        p99_ms=crowd.latency_ms(0.99),
    )


async def idle_s(rig: Rig, seconds: float) -> float:
    """Give the processor time that a server uses in so many seconds of rest."""
    before = rig.server.cpu_s
    await asyncio.sleep(seconds)
    return rig.server.cpu_s - before
