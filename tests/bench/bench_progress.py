"""What counting costs: progress.* of the measures.

Each database has a process of its own, because Django knows one per process. Events go to a real
Valkey, for ours and for the guide's way alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from io import StringIO
from time import perf_counter

from heron.demo.surroundings import ROOT, python
from tests.bench.common import OURS, interleaved, report
from tests.support import postgres
from tests.support.valkey import running_valkey

MANY = int(os.environ.get("BENCH_ITEMS", "3000000"))
FEW = 10_000
ROWS = 3_000
IRREVERSIBLE = 1_500


def main() -> None:
    """Measure on SQLite, then on PostgreSQL."""
    with ExitStack() as stack:
        valkey = stack.enter_context(running_valkey())
        var = stack.enter_context(tempfile.TemporaryDirectory(prefix="heron-bench-"))
        server = stack.enter_context(postgres.running())
        for suffix, url in (("", ""), (".pg", server.create_database())):
            environment = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "heron.settings",
                "DRAMATIQ_STUB": "1",
                "DEBUG": "0",
                "SECRET_KEY": "only-for-benchmarks-" + "0" * 50,
                "HERON_VAR_DIR": var,
                "REDIS_URL": valkey,
                "LOG_LEVEL": "ERROR",
            }
            environment.pop("DATABASE_URL", None)
            if url:
                environment["DATABASE_URL"] = url
            command = python("-m", "tests.bench.bench_progress", suffix)
            subprocess.run(command, env=environment, cwd=ROOT, check=True)


def measure(suffix: str) -> None:
    """Measure on the database of this process."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from tests.bench import counting

    if not suffix:
        contenders: dict[str, Callable[[], float]] = {
            OURS: lambda: per_item_us(MANY, counting.plain_loop),
            "tqdm": lambda: per_item_us(MANY, tqdm_loop),
        }
        report("progress.item_us", "µs", interleaved(contenders), digits=4, note=f"{MANY} items")
        contenders = {
            OURS: lambda: per_item_us(FEW, counting.plain_loop),
            "guide": lambda: per_item_us(FEW, counting.the_guides_loop),
        }
        samples = interleaved(contenders)
        report("progress.item_us_short", "µs", samples, digits=4, note=f"{FEW} items")
    contenders = {
        OURS: lambda: per_item_us(ROWS, counting.exact_loop),
        "bare": lambda: per_item_us(ROWS, counting.bare_inserts),
    }
    samples = interleaved(contenders, rounds=5)
    report(f"progress.exact_item_us{suffix}", "µs", samples, note="batches of 100, no books")
    contenders = {
        OURS: lambda: per_item_us(IRREVERSIBLE, counting.reserved_loop),
        "bare": lambda: per_item_us(IRREVERSIBLE, counting.two_updates),
    }
    samples = interleaved(contenders, rounds=5)
    report(f"progress.reserved_item_us{suffix}", "µs", samples, note="two committed updates")


def per_item_us(items: int, loop: Callable[[int], None]) -> float:
    """Run a loop over so many items; give microseconds an item."""
    start = perf_counter()
    loop(items)
    return (perf_counter() - start) / items * 1e6


def tqdm_loop(items: int) -> None:
    """Count with tqdm, which writes to nobody."""
    from tqdm import tqdm

    with tqdm(total=items, file=StringIO()) as bar:
        update = bar.update
        for _ in range(items):
            update(1)


if __name__ == "__main__":
    measure(sys.argv[1] if len(sys.argv) > 1 else "")
