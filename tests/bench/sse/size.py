"""How much is measured; less for a quick look: `BENCH_STREAMS=500 BENCH_ROUNDS=1`."""

from __future__ import annotations

import os

from tests.bench.common import ROUNDS

#: Streams of the large measures; the others shrink with it.
STREAMS = int(os.environ.get("BENCH_STREAMS", "5000"))
#: Streams where many watch one channel, or where events are dear.
THOUSAND = min(1000, STREAMS)
HELD = min(10_000, 2 * STREAMS)
HELD_S = float(os.environ.get("BENCH_HELD_SECONDS", "60"))
SLOW = min(200, STREAMS)
CLICKS = int(os.environ.get("BENCH_CLICKS", "50"))

__all__ = ["CLICKS", "HELD", "HELD_S", "ROUNDS", "SLOW", "STREAMS", "THOUSAND"]
