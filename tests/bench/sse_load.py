"""A load client for event streams, also by hand: `python -m tests.bench.sse_load --help`.

It holds up to ten thousand streams in one process, on loopback only, and counts what each of them
is brought: missing, doubled and out of order, and how late. A stream that was not asked to be slow
reads as fast as it can.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Coroutine, Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.bench.sse.crowd import Crowd, Returning
from tests.bench.sse.reader import OPENING, Ask, Slowness

#: An hour of soak is the longest that anybody needs.
MOST_SECONDS = 3600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Hold streams for a while, and print what came as one JSON object."""
    options = parser().parse_args(arguments)
    told = run(hold(options))
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if told["open"] == options.streams and not told["drops"] else 1


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on uvloop, where it is installed: the client must not be the bottleneck."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def hold(options: argparse.Namespace) -> dict[str, Any]:
    """Open the streams, keep them for the time, and sum up."""
    url = urlsplit(options.url)
    paths = options.path or [url.path + (f"?{url.query}" if url.query else "")]
    cookies = options.cookie or [""]
    headers = tuple(pair(header) for header in options.header)
    asks = [
        Ask(
            path=paths[place % len(paths)],
            cookie=cookies[place % len(cookies)],
            headers=headers,
            opening=options.opening.encode(),
        )
        for place in range(options.streams)
    ]
    crowd = Crowd(
        (url.hostname or "127.0.0.1", url.port or 80),
        asks,
        slowness=Slowness(pause_s=options.slow_ms / 1000) if options.slow_ms else None,
        returning=Returning() if options.come_back else None,
    )
    try:
        took = await crowd.open()
        await asyncio.sleep(options.seconds)
        return summary(crowd, took)
    finally:
        await crowd.close()


def summary(crowd: Crowd, took: float) -> dict[str, Any]:
    """Tell what a crowd has seen."""
    totals = crowd.totals
    return {
        "open": crowd.open_count,
        "opened_in_s": round(took, 3),
        "refused_by_status": crowd.refusals,
        "drops": crowd.drops,
        "resets": sum(reader.resets for reader in crowd.readers),
        "states": totals.received,
        "missing": totals.missing,
        "duplicates": totals.duplicates,
        "out_of_order": totals.out_of_order,
        "bytes": sum(reader.received_bytes for reader in crowd.readers),
        "p50_ms": round(crowd.latency_ms(0.5), 3) if totals.received else None,
        "p99_ms": round(crowd.latency_ms(0.99), 3) if totals.received else None,
    }


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    described = argparse.ArgumentParser(
        prog="python -m tests.bench.sse_load", description=(__doc__ or "").partition("\n\n")[2]
    )
    add = described.add_argument
    add("url", help="http://127.0.0.1:8000/core/events/?channel=progress-…")
    add("--streams", type=int, default=100, help="how many; at most 12,000 (default: 100)")
    add("--seconds", type=seconds, default=10.0, help="how long; at most 3,600 (default: 10)")
    add("--path", action="append", default=[], help="instead of the URL's; several take turns")
    add("--cookie", action="append", default=[], help="sessionid=…; several take turns")
    add("--header", action="append", default=[], help="'Name: value', sent by every stream")
    add("--opening", default=OPENING.decode(), help="what a stream sends once it is open")
    add("--slow-ms", type=float, default=0.0, help="pause after each read of some 4 KB")
    add("--come-back", action="store_true", help="reconnect with Last-Event-ID when dropped")
    return described


def seconds(text: str) -> float:
    """Read a time that is not too long."""
    value = float(text)
    if not 0 <= value <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"between 0 and {MOST_SECONDS:.0f} seconds")
    return value


def pair(header: str) -> tuple[str, str]:
    """Split a header into its name and value."""
    name, _, value = header.partition(":")
    return name.strip(), value.strip()


if __name__ == "__main__":
    sys.exit(main())
