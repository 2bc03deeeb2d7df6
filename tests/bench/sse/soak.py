"""An hour of streams with restarts: memory stays flat, and everybody ends with what is so.

`python -m tests.bench.sse.soak --minutes 60`: two web processes on one Valkey. The first is never
restarted: its memory is what is looked at, and that of the process that publishes. The second is
killed and stopped, Valkey loses its memory, and readers come and go all the time. After each round
everybody must know the newest state. A round is a line on stderr; one JSON object comes last.
With `--round 5 --trouble "Valkey is restarted"` the same trouble comes every five seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from statistics import median

import psutil

from tests.bench.common import line
from tests.bench.sse.crowd import Crowd, Returning
from tests.bench.sse.servers import HERON
from tests.bench.sse.size import THOUSAND
from tests.bench.sse.stage import Rig, staged
from tests.bench.sse_load import run

#: Published as workers do: what can't be told is owed.
SOAKING = replace(HERON, name="soak")
RATE = 100.0
ROUND_S = 20.0
#: The share of all readers that leave in a round, and come back.
LEAVING = 0.2
#: A reader who does not know the newest state by then has lost it.
PATIENCE_S = 30.0
VALKEY_AWAY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Round:
    """What a round left behind."""

    trouble: str
    #: Seconds from the last event until everybody knew the newest state.
    settled_s: float
    #: Readers who did not.
    lost: int
    web_mb: float
    publisher_mb: float
    valkey_mb: float


async def soak(minutes: float, round_s: float, troubles: Sequence[str]) -> list[Round]:
    """Run rounds for a time, with the troubles in turns."""
    rounds: list[Round] = []
    with staged(jobs=2 * THOUSAND, on_one=0) as stage:
        rig = stage.rig(SOAKING)
        rig.server.start()
        rig.second.start()
        who = rig.site.readers_of_own(2 * THOUSAND)
        back = Returning()
        async with (
            rig.readers(who[:THOUSAND], returning=back) as lasting,
            rig.readers(who[THOUSAND:], returning=back, server=rig.second) as troubled,
        ):
            until = time.monotonic() + minutes * 60
            turns = cycle(troubles)
            while time.monotonic() < until:
                rounds.append(await one_round(rig, (lasting, troubled), next(turns), round_s))
                sys.stderr.write(f"{len(rounds)}: {json.dumps(vars(rounds[-1]))}\n")
    return rounds


async def one_round(rig: Rig, crowds: tuple[Crowd, Crowd], trouble: str, round_s: float) -> Round:
    """Publish, let readers come and go, make trouble in the middle; wait until all is well."""
    readers = [reader for crowd in crowds for reader in crowd.readers]
    events = int(RATE * round_s)
    told = asyncio.create_task(
        rig.publisher.publish(events, rate=RATE, jobs=len(readers), first=0, write=True)
    )
    leaving = random.sample(readers, int(LEAVING * len(readers)))
    made = asyncio.create_task(_after(round_s / 3, TROUBLES[trouble], rig))
    for reader in leaving:
        await asyncio.sleep(round_s / len(leaving))
        if reader.transport is not None:
            reader.transport.abort()
    await made
    seqs = (await told)["seqs"]
    ended = time.monotonic()

    def know() -> int:
        return sum(crowd.newest_count(seqs) for crowd in crowds)

    await crowds[0].until(lambda: know() == len(readers), within_s=PATIENCE_S)
    found = Round(
        trouble=trouble,
        settled_s=round(time.monotonic() - ended, 2),
        lost=len(readers) - know(),
        web_mb=round(rig.server.resident_kb / 1024, 1),
        publisher_mb=round(psutil.Process(rig.publisher.pid).memory_info().rss / 2**20, 1),
        valkey_mb=_valkey_mb(rig),
    )
    for crowd in crowds:
        crowd.forget()
    return found


async def _after(seconds: float, trouble: Callable[[Rig], None], rig: Rig) -> None:
    await asyncio.sleep(seconds)
    await asyncio.to_thread(trouble, rig)


def _kill_web(rig: Rig) -> None:
    rig.second.kill()
    rig.second.start()


def _stop_web(rig: Rig) -> None:
    if not rig.second.stop(within_s=10):
        raise RuntimeError("a web process did not stop within ten seconds of SIGTERM")
    rig.second.start()


def _restart_valkey(rig: Rig) -> None:
    rig.valkey.stop()
    time.sleep(VALKEY_AWAY_S)
    rig.valkey.start()


def _flush_valkey(rig: Rig) -> None:
    with rig.valkey.client() as client:
        client.flushall()


TROUBLES: dict[str, Callable[[Rig], None]] = {
    "a web process is killed": _kill_web,
    "Valkey is restarted": _restart_valkey,
    "a web process is stopped": _stop_web,
    "Valkey is flushed": _flush_valkey,
    "nothing happens": lambda rig: None,
}


def _valkey_mb(rig: Rig) -> float:
    with rig.valkey.client() as client:
        return round(float(client.info("memory")["used_memory"]) / 2**20, 1)


def tell(rounds: list[Round]) -> bool:
    """Print sse.soak; say whether nobody lost anything."""
    lost = sum(each.lost for each in rounds)
    fifth = max(1, len(rounds) // 5)
    notes = []
    for name in ("web_mb", "publisher_mb", "valkey_mb"):
        held = [getattr(each, name) for each in rounds]
        notes.append(f"{name} {median(held[fifth : 2 * fifth]):.1f} to {median(held[-fifth:]):.1f}")
    slowest = max(rounds, key=lambda each: each.settled_s)
    line(
        "sse.soak",
        lost,
        "states lost",
        n=len(rounds),
        note=f"{2 * THOUSAND} streams, {RATE:.0f} events/s, {len(rounds)} rounds; memory from the "
        f"second fifth to the last: {', '.join(notes)}; slowest to settle {slowest.settled_s} s "
        f"({slowest.trouble})",
    )
    return lost == 0


def main() -> int:
    """Soak, and print what came of it."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.sse.soak")
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--round", type=float, default=ROUND_S, help="seconds")
    options.add_argument("--trouble", choices=TROUBLES, action="append", help="only this, or these")
    asked = options.parse_args()
    # So that the servers are not left behind.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    rounds = run(soak(asked.minutes, asked.round, asked.trouble or list(TROUBLES)))
    return 0 if tell(rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
