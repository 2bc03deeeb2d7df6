"""Streams against django-eventstream's own, a bare ASGI app and nchan: sse.* of the measures.

The server has one processor for itself; readers, publisher and Valkey share the other. A server's
cost is its processor time, so that a busy machine hurts latencies, but figures of cost little.
`BENCH_ONLY=held,reconnect` runs some of the parts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from tests.bench.sse import browser, connections, deliveries, resources, returning, slowness
from tests.bench.sse_load import run

PARTS: dict[str, Callable[[], None]] = {
    "deliveries": lambda: run(deliveries.measure()),
    "connections": lambda: run(connections.measure()),
    "resources": lambda: run(resources.resources()),
    "held": lambda: run(resources.held()),
    "final_state": lambda: run(slowness.measure()),
    "click_to_bar": browser.measure,
    "reconnect": lambda: run(returning.measure()),
}


def main() -> None:
    """Print sse.*."""
    wanted = [name for name in os.environ.get("BENCH_ONLY", "").split(",") if name]
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        sys.exit(f"BENCH_ONLY: there is no {', '.join(unknown)}; there is: {', '.join(PARTS)}")
    sys.stderr.write(f"load average before: {os.getloadavg()[0]:.1f}\n")
    for name in wanted or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
