"""What an event costs a server that holds a thousand streams."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.common import OURS, Samples, report
from tests.bench.peers import nchan
from tests.bench.sse.crowd import Crowd
from tests.bench.sse.load import Cost, cost, idle_s
from tests.bench.sse.servers import BARE, HERON, NCHAN, STOCK
from tests.bench.sse.size import ROUNDS, THOUSAND
from tests.bench.sse.stage import Rig, staged

#: Events a second, and for how many seconds.
CALM, CALM_S = 10.0, 3.0
BUSY, BUSY_S = 100.0, 3.0
OWN, OWN_S = 200.0, 4.0
#: Jobs that nobody watches come after those that somebody does.
UNRELATED_JOBS, UNRELATED_EVENTS = 100, 3000


class Deliveries:
    """The measures of this module, from rounds in which contenders take turns."""

    def __init__(self) -> None:
        self.samples: dict[str, Samples] = {}
        self.notes: dict[str, str] = {}

    def add(self, measure: str, name: str, value: float, cost: Cost | None = None) -> None:
        """Note a sample; a contender's last cost goes into the note."""
        self.samples.setdefault(measure, {}).setdefault(name, []).append(value)
        if cost is not None:
            self.notes[f"{measure} {name}"] = f"{name}: {cost.share}, p99 {cost.p99_ms:.0f} ms"

    def note(self, measure: str) -> str:
        """Give the contenders' notes on a measure."""
        return "; ".join(self.notes.get(f"{measure} {name}", "") for name in self.samples[measure])


async def measure() -> None:
    """Print sse.us_per_delivery, …_busy, sse.us_per_event_own and …_unrelated."""
    kinds = [HERON, STOCK, BARE, *([NCHAN] if nchan.module() else [])]
    book = Deliveries()
    with staged(jobs=THOUSAND + UNRELATED_JOBS, on_one=THOUSAND) as stage:
        rigs = {kind.name: stage.rig(kind) for kind in kinds}
        for rig in rigs.values():
            rig.server.start()
        for number in range(ROUNDS):
            names = list(rigs)
            start = number % len(names)
            for name in names[start:] + names[:start]:
                await one_channel(rigs[name], name, book)
                await own_channels(rigs[name], name, book)
    print_all(book, rigs)


async def one_channel(rig: Rig, name: str, book: Deliveries) -> None:
    """Let everybody watch the same job."""
    async with rig.readers(rig.site.readers_of_one(THOUSAND)) as crowd:
        if name != "nchan":
            calm = await cost(rig, crowd, rate=CALM, seconds=CALM_S)
            book.add("sse.us_per_delivery", name, calm.us_per_delivery, calm)
        if name != "stock":
            busy = await cost(rig, crowd, rate=BUSY, seconds=BUSY_S)
            book.add("sse.us_per_delivery_busy", name, busy.us_per_delivery, busy)


async def own_channels(rig: Rig, name: str, book: Deliveries) -> None:
    """Let everybody watch a job of their own."""
    if name == "nchan":
        return
    async with rig.readers(rig.site.readers_of_own(THOUSAND)) as crowd:
        own = await cost(rig, crowd, rate=OWN, seconds=OWN_S, jobs=THOUSAND)
        book.add("sse.us_per_event_own", name, own.us_per_event, own)
        if name != "bare":
            used, idle = await unrelated_us(rig, crowd)
            book.add("sse.us_per_event_unrelated", name, max(0.0, used - idle))
            note = f"{name}: {used:.2f} µs less {idle:.2f} of idling"
            book.notes[f"sse.us_per_event_unrelated {name}"] = note


async def unrelated_us(rig: Rig, crowd: Crowd) -> tuple[float, float]:
    """Publish what nobody here watches; give what an event costs, and being idle for as long."""
    before = rig.server.cpu_s
    told = await rig.publisher.publish(
        UNRELATED_EVENTS, rate=0, jobs=UNRELATED_JOBS, first=len(crowd.readers)
    )
    used = rig.server.cpu_s - before
    idle = await idle_s(rig, told["seconds"])
    return used / UNRELATED_EVENTS * 1e6, idle / UNRELATED_EVENTS * 1e6


def print_all(book: Deliveries, rigs: Mapping[str, Rig]) -> None:
    """Print each measure against its peers."""
    loads = {
        "sse.us_per_delivery": f"{THOUSAND} streams on one channel, {CALM:.0f} events/s",
        "sse.us_per_delivery_busy": f"{THOUSAND} streams on one channel, {BUSY:.0f} events/s",
        "sse.us_per_event_own": f"{THOUSAND} streams of their own, {OWN:.0f} events/s",
        "sse.us_per_event_unrelated": f"{THOUSAND} streams, events nobody watches",
    }
    if "nchan" not in rigs:
        loads["sse.us_per_delivery_busy"] += "; no line for nchan: nginx's module is not installed"
    for measure, load in loads.items():
        assert OURS in book.samples[measure]
        note = f"CPU of the server; {load}; {book.note(measure)}".rstrip("; ")
        report(measure, "µs", book.samples[measure], note=note)
