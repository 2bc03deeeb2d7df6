"""How much is measured; less for a quick look: `BENCH_STREAMS=500 BENCH_ROUNDS=1`."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path

from tests.bench.common import ROUNDS

#: Streams of the large measures; the others shrink with it.
STREAMS = int(os.environ.get("BENCH_STREAMS", "5000"))
#: Streams where many watch one channel, or where events are dear.
THOUSAND = min(1000, STREAMS)
HELD = min(10_000, 2 * STREAMS)
HELD_S = float(os.environ.get("BENCH_HELD_SECONDS", "60"))
SLOW = min(200, STREAMS)
CLICKS = int(os.environ.get("BENCH_CLICKS", "50"))

#: Threads left for everything else on the machine.
SPARE_THREADS = 500
#: Where cgroups tell how many threads a container may have: version 2, then 1.
THREAD_LIMITS = ("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max")


def streams_with_threads() -> int:
    """Give how many streams a server that needs a thread for each may hold here."""
    limits = [resource.getrlimit(resource.RLIMIT_NPROC)[0]]
    for path in THREAD_LIMITS:
        with suppress(OSError, ValueError):  # no such file, or "max"
            limits.append(int(Path(path).read_text()))
    allowed = [limit - SPARE_THREADS for limit in limits if limit > 0]
    return max(1, min([STREAMS, *allowed]))


__all__ = [
    "CLICKS",
    "HELD",
    "HELD_S",
    "ROUNDS",
    "SLOW",
    "STREAMS",
    "THOUSAND",
    "streams_with_threads",
]
