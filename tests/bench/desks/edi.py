"""edi.mb_per_s and edi.rss_mb (the reader against pydifact), edi.import_s (the whole import).

30,000 ORDERS of 15 lines are 50 MB and 450,000 lines; `BENCH_EDI_MESSAGES=1000` for a quick look.
Each run has a process of its own, for the memory that it takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from apps.edi.demo_data import Plan, write_orders
from heron.demo.surroundings import ROOT, python
from tests.bench.common import OURS, interleaved, line, report
from tests.support.valkey import running_valkey

MESSAGES = int(os.environ.get("BENCH_EDI_MESSAGES", "30000"))
#: pydifact takes a minute and a gigabyte for 50 MB: one round has to do.
READ_ROUNDS = int(os.environ.get("BENCH_EDI_READ_ROUNDS", "1"))
IMPORT_ROUNDS = int(os.environ.get("BENCH_EDI_IMPORT_ROUNDS", "3"))
PEER = "pydifact"


def main() -> None:
    """Measure reading, then importing."""
    with tempfile.TemporaryDirectory(prefix="heron-bench-") as folder, running_valkey() as valkey:
        path = Path(folder) / "orders.edi"
        with path.open("wb") as file:
            for piece in write_orders(Plan(messages=MESSAGES)):
                file.write(piece)
        _reading(path)
        _importing(path, Path(folder), valkey)


def _reading(path: Path) -> None:
    megabytes = path.stat().st_size / 1e6
    grown: dict[str, list[float]] = {OURS: [], PEER: []}

    def run(name: str) -> Callable[[], float]:
        def once() -> float:
            told = _run("tests.bench.desks.edi_reading", name, str(path))
            grown[name].append(told["grown_mb"])
            return float(megabytes / told["seconds"])

        return once

    samples = interleaved({name: run(name) for name in grown}, rounds=READ_ROUNDS)
    note = f"{megabytes:.0f} MB, every element split"
    report("edi.mb_per_s", "MB/s", samples, note=note)
    report("edi.rss_mb", "MB", grown, digits=1, note=f"growth while reading {megabytes:.0f} MB")


def _importing(path: Path, folder: Path, valkey: str) -> None:
    peaks: list[float] = []
    numbers = iter(range(1000))

    def run(name: str) -> Callable[[], float]:
        def once() -> float:
            var = folder / f"var-{next(numbers)}"
            var.mkdir()
            told = _run(
                "tests.bench.desks.edi_importing",
                name,
                str(path),
                DJANGO_SETTINGS_MODULE="heron.settings",
                DRAMATIQ_STUB="1",
                DEBUG="0",
                SECRET_KEY="only-for-benchmarks-" + "0" * 50,
                HERON_VAR_DIR=str(var),
                REDIS_URL=valkey,
                LOG_LEVEL="ERROR",
                DATABASE_URL="",
            )
            assert told["documents"] == MESSAGES, told
            if name == OURS:
                peaks.append(told["peak_mb"])
            return float(told["seconds"])

        return once

    samples = interleaved({name: run(name) for name in (OURS, "bare")}, rounds=IMPORT_ROUNDS)
    what = f"{MESSAGES} ORDERS, {15 * MESSAGES} lines, SQLite"
    report("edi.import_s", "s", samples, note=f"{what}; bare: the same without progress and books")
    line(
        "edi.import_rss_mb", round(median(peaks), 1), "MB", n=len(peaks), note="peak, whole worker"
    )


def _run(module: str, *arguments: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        python("-m", module, *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told
