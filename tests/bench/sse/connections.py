"""What an open stream costs, and how soon events reach thousands of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from statistics import median

from tests.bench.common import OURS, Samples, report
from tests.bench.sse.load import Cost, cost
from tests.bench.sse.servers import BARE, HERON, STOCK
from tests.bench.sse.size import ROUNDS, STREAMS, streams_with_threads
from tests.bench.sse.stage import Rig, staged

#: Streams that come and go before anything is measured, so that all code is loaded.
WARMING = 50
#: Between the last stream's opening and a look at memory and time: a reader that was let in on a
#: ticket is checked by then, and that is part of its price.
SETTLING_S = 1.5
RATE, SECONDS = 200.0, 4.0
#: Ours, asked as `curl` would.
SESSION = "session"


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What it cost to open a server's streams, and what events cost then."""

    kb: float
    us: float
    cost: Cost | None


async def measure() -> None:
    """Print sse.kb_per_connection, sse.connect_us and sse.p99_ms."""
    openings: dict[str, list[Opening]] = {}
    with staged(jobs=STREAMS, on_one=0) as stage:
        rigs = {kind.name: stage.rig(kind) for kind in (HERON, STOCK, BARE)}
        names = [OURS, SESSION, "stock", "bare"]
        for number in range(ROUNDS):
            start = number % len(names)
            for name in names[start:] + names[:start]:
                if name == "stock" and number % 2:
                    continue  # it takes the better part of a minute
                rig = rigs[OURS if name == SESSION else name]
                opened = await opening(
                    rig,
                    streams=streams_with_threads() if name == "stock" else STREAMS,
                    by_ticket=name == OURS,
                    loaded=name != SESSION,
                )
                openings.setdefault(name, []).append(opened)
    print_all(openings)


def print_all(openings: dict[str, list[Opening]]) -> None:
    """Print each measure against its peers."""
    load = f"{STREAMS} streams, own channels"
    if streams_with_threads() < STREAMS:
        load += f" (stock {streams_with_threads()}: no more threads here)"
    settled = f"CPU of the server until {SETTLING_S} s after the last"
    kb = {name: [one.kb for one in some] for name, some in openings.items()}
    us = {name: [one.us for one in some] for name, some in openings.items()}
    ours = "by ticket" if SESSION in openings else "by session"
    by_session: Samples = {}
    if SESSION in openings:
        plain = median(kb.pop(SESSION))
        by_session = {OURS: us.pop(SESSION), "stock": us["stock"], "bare": us["bare"]}
        load_kb = f"{load}; {ours}; {plain:.1f} by session"
    else:
        load_kb = f"{load}; {ours}"
    report(
        "sse.kb_per_connection",
        "KB",
        kb,
        note=f"resident memory, of stock with a thread and a SQLite connection each; {load_kb}",
    )
    report("sse.connect_us", "µs", us, note=f"{settled}; {load}; {ours}")
    if by_session:
        note = f"{settled}; {load}; by session"
        report("sse.connect_us.session", "µs", by_session, note=note)
    costs = {name: [one.cost for one in some if one.cost] for name, some in openings.items()}
    p99 = {name: [one.p99_ms for one in costs[name]] for name in (OURS, "stock")}
    shares = "; ".join(
        f"{name}: {costs[name][-1].share}, p50 {costs[name][-1].p50_ms:.2f} ms" for name in p99
    )
    # How much of it is the machine's doing: the least that an ASGI app can do, at the same time.
    bare = median(one.p99_ms for one in costs["bare"])
    note = f"publisher to reader; {load}, {RATE:.0f} events/s; {shares}; bare p99 {bare:.2f} ms"
    report("sse.p99_ms", "ms", p99, note=note)


async def opening(rig: Rig, *, streams: int, by_ticket: bool, loaded: bool) -> Opening:
    """Open all streams on a fresh server, and load it then if asked to."""
    rig.server.start()
    try:
        who = rig.site.readers_of_own(streams)
        async with rig.readers(who[:WARMING], by_ticket=by_ticket):
            pass
        await asyncio.sleep(SETTLING_S)
        memory, cpu = rig.server.resident_kb, rig.server.cpu_s
        async with rig.readers(who, by_ticket=by_ticket) as crowd:
            await asyncio.sleep(SETTLING_S)
            cpu = rig.server.cpu_s - cpu
            memory = rig.server.resident_kb - memory
            then = None
            if loaded:
                then = await cost(rig, crowd, rate=RATE, seconds=SECONDS, jobs=len(who))
            return Opening(kb=memory / len(who), us=cpu / len(who) * 1e6, cost=then)
    finally:
        rig.server.kill()
