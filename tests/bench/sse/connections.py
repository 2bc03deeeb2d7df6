"""What an open stream costs, and how soon events reach thousands of them."""

from __future__ import annotations

import asyncio

from tests.bench.common import OURS, Samples, report
from tests.bench.sse.load import Cost, cost
from tests.bench.sse.servers import BARE, HERON, STOCK
from tests.bench.sse.size import ROUNDS, STREAMS
from tests.bench.sse.stage import Rig, staged

#: Streams that come and go before anything is measured, so that all code is loaded.
WARMING = 50
#: Between the last stream's opening and a look at the memory.
SETTLING_S = 0.5
RATE, SECONDS = 200.0, 5.0


async def measure() -> None:
    """Print sse.kb_per_connection, sse.connect_us and sse.p99_ms."""
    kb: Samples = {}
    connect: Samples = {}
    p99: Samples = {}
    costs: dict[str, Cost] = {}
    with staged(jobs=STREAMS, on_one=0) as stage:
        rigs = {kind.name: stage.rig(kind) for kind in (HERON, STOCK, BARE)}
        for number in range(ROUNDS):
            names = list(rigs)
            start = number % len(names)
            for name in names[start:] + names[:start]:
                opened = await opening(rigs[name])
                kb.setdefault(name, []).append(opened[0])
                connect.setdefault(name, []).append(opened[1])
                costs[name] = opened[2]
                p99.setdefault(name, []).append(opened[2].p99_ms)
    load = f"{STREAMS} streams, own channels"
    report("sse.kb_per_connection", "KB", kb, note=f"resident memory; {load}")
    report("sse.connect_us", "µs", connect, note=f"CPU of the server; {load}; by session")
    del p99["bare"]
    shares = "; ".join(
        f"{name}: {costs[name].share}, p50 {costs[name].p50_ms:.2f} ms" for name in (OURS, "stock")
    )
    report("sse.p99_ms", "ms", p99, note=f"publisher to reader; {load}, 200 events/s; {shares}")


async def opening(rig: Rig) -> tuple[float, float, Cost]:
    """Open all streams on a fresh server; give KB and µs a stream, and what a load cost then."""
    rig.server.start()
    try:
        who = rig.site.readers_of_own(STREAMS)
        async with rig.readers(who[:WARMING]):
            pass
        await asyncio.sleep(SETTLING_S)
        memory, cpu = rig.server.resident_kb, rig.server.cpu_s
        async with rig.readers(who) as crowd:
            cpu = rig.server.cpu_s - cpu
            await asyncio.sleep(SETTLING_S)
            memory = rig.server.resident_kb - memory
            loaded = await cost(rig, crowd, rate=RATE, seconds=SECONDS, jobs=len(who))
            return memory / len(who), cpu / len(who) * 1e6, loaded
    finally:
        rig.server.kill()
