"""Five thousand readers whose server is killed under them."""

from __future__ import annotations

import asyncio
import time

from tests.bench.common import line
from tests.bench.sse.crowd import Returning
from tests.bench.sse.servers import HERON
from tests.bench.sse.size import STREAMS
from tests.bench.sse.stage import staged

#: A job in ten goes on while nobody can tell.
MOVED_ON = max(1, STREAMS // 10)
PATIENCE_S = 90.0


async def measure() -> None:
    """Print sse.reconnect_s."""
    with staged(jobs=STREAMS, on_one=0) as stage:
        rig = stage.rig(HERON)
        rig.server.start()
        who = rig.site.readers_of_own(STREAMS)
        # Pages have a ticket that is still good: each keep-alive brings a fresh one.
        async with rig.readers(who, returning=Returning(), by_ticket=True) as crowd:
            told = await rig.publisher.publish(STREAMS, rate=0, jobs=STREAMS, write=True)
            seqs = told["seqs"]
            await crowd.until(lambda: crowd.newest_count(seqs) == STREAMS)
            known = crowd.newest_count(seqs)
            rig.server.kill()
            killed_at = time.monotonic()
            rig.server.start(wait=False)
            told = await rig.publisher.publish(MOVED_ON, rate=0, jobs=MOVED_ON, write=True)
            seqs = {**seqs, **told["seqs"]}
            await asyncio.to_thread(rig.server.wait)
            up_after = time.monotonic() - killed_at

            def all_right() -> bool:
                return crowd.open_count == crowd.newest_count(seqs) == STREAMS

            await crowd.until(all_right, within_s=PATIENCE_S)
            took = time.monotonic() - killed_at
            line(
                "sse.reconnect_s",
                round(took, 2),
                "s",
                note=f"{STREAMS} streams by ticket ({known} knew their job's state); process "
                f"killed, answering again after {up_after:.1f} s; {crowd.open_count} back, "
                f"{crowd.newest_count(seqs)} with the right state "
                f"({MOVED_ON} jobs went on meanwhile); "
                f"{crowd.snapshots} snapshots read, {crowd.totals.duplicates} states twice",
            )
