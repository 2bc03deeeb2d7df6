"""Readers too slow for a burst: do they end with the right state?"""

from __future__ import annotations

import asyncio

from tests.bench.common import line
from tests.bench.sse.crowd import Crowd
from tests.bench.sse.reader import Slowness
from tests.bench.sse.servers import HERON, STOCK, Contender
from tests.bench.sse.size import SLOW
from tests.bench.sse.stage import staged

BURST = 500
#: A reader who has read nothing for so long will not read more of the burst.
QUIET_S = 3.0
PATIENCE_S = 60.0


async def measure() -> None:
    """Print sse.final_state."""
    ours = await finals(HERON)
    theirs = await finals(STOCK)
    line(
        "sse.final_state",
        ours[0],
        "readers",
        against="stock",
        against_value=theirs[0],
        note=f"of {SLOW} who read some 4 KB every 100 ms, after {BURST} states of one job as fast "
        f"as they can be published; ours received {ours[1]} states, stock {theirs[1]}",
    )


async def finals(kind: Contender) -> tuple[int, int]:
    """Give how many readers have the last state in the end, and how many states came in all."""
    with staged(jobs=1, on_one=SLOW) as stage:
        rig = stage.rig(kind)
        rig.server.start()
        who = rig.site.readers_of_one(SLOW)
        async with rig.readers(who, slowness=Slowness()) as crowd:
            told = await rig.publisher.publish(BURST, rate=0)
            await settled(crowd, told["seqs"])
            return crowd.newest_count(told["seqs"]), crowd.totals.received


async def settled(crowd: Crowd, seqs: dict[str, int]) -> None:
    """Wait until everybody has the newest state, or nobody reads anything any more."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    before, since = -1, loop.time()
    while crowd.newest_count(seqs) < len(crowd.readers) and loop.time() < deadline:
        received = sum(reader.received_bytes for reader in crowd.readers)
        if received != before:
            before, since = received, loop.time()
        elif loop.time() - since > QUIET_S:
            return
        await asyncio.sleep(0.1)
