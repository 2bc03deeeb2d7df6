"""report.*: how fast a report is written, against a bare loop over the same queryset.

Ours is the whole job as a worker runs it: snapshot, progress with its events to a real Valkey,
injection guard, control totals, SHA-256, the file's publication. The bare loop reads the same rows
with the model's own fields, as anybody would, writes them, and does nothing else.
"""

from __future__ import annotations

import csv
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from heron.demo.surroundings import ROOT, python
from tests.bench.common import OURS, interleaved, line, report
from tests.support.valkey import running_valkey

if TYPE_CHECKING:
    from django.db.models import QuerySet

LINES_A_PIECE = 3
XLSX_ROWS = int(os.environ.get("BENCH_XLSX_ROWS", "100000"))
CSV_ROWS = int(os.environ.get("BENCH_CSV_ROWS", "1000000"))
FEC_ROWS = int(os.environ.get("BENCH_FEC_ROWS", "180000"))
MEGABYTE = 1024 * 1024
#: The columns of the ledger's entries.
FIELDS = (
    "date",
    "journal",
    "number",
    "account",
    "account_label",
    "auxiliary",
    "auxiliary_label",
    "piece",
    "label",
    "debit",
    "credit",
)
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def main() -> None:
    """Measure on SQLite, each size of ledger in a database and a process of its own."""
    with ExitStack() as stack:
        valkey = stack.enter_context(running_valkey())
        for name in MEASURES:
            var = stack.enter_context(tempfile.TemporaryDirectory(prefix="heron-bench-"))
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
            command = python("-m", "tests.bench.desks.report", name)
            subprocess.run(command, env=environment, cwd=ROOT, check=True)


def measure(name: str) -> None:
    """Measure one thing in this process, whose database is empty."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    MEASURES[name]()


def xlsx_rows_s() -> None:
    """Write a workbook of the ledger's entries."""
    _fill(XLSX_ROWS)
    _compare(
        "report.xlsx_rows_s",
        XLSX_ROWS,
        ours=lambda: _made("entries", "xlsx", XLSX_ROWS),
        bare=_bare_xlsx,
    )


def csv_rows_s() -> None:
    """Write a CSV of the ledger's entries; the memory first, while the process is young."""
    _fill(CSV_ROWS)
    _made("aged-receivables", "csv", None)
    before = _rss()
    _made("entries", "csv", CSV_ROWS)
    growth = (_peak() - before) / MEGABYTE
    _compare(
        "report.csv_rows_s",
        CSV_ROWS,
        ours=lambda: _made("entries", "csv", CSV_ROWS),
        bare=_bare_csv,
    )
    line("report.csv_rss_mb", round(growth, 1), "MB", note=f"growth, {CSV_ROWS} rows")


def fec_s() -> None:
    """Write a FEC with all its checks."""
    _fill(FEC_ROWS)
    samples = interleaved({OURS: lambda: _seconds(lambda: _made("fec", "fec", FEC_ROWS))})
    report("report.fec_s", "s", samples, note=f"{FEC_ROWS} entries with all checks, SQLite")


MEASURES: dict[str, Callable[[], None]] = {
    "xlsx": xlsx_rows_s,
    "csv": csv_rows_s,
    "fec": fec_s,
}


def _fill(rows: int) -> None:
    from tests.support import ledger

    ledger.fill(-(-rows // LINES_A_PIECE))


def _compare(name: str, rows: int, *, ours: Callable[[], None], bare: Callable[[], None]) -> None:
    """Report rows a second; the note has the ratio by the processor's time, without waiting."""
    worked: dict[str, list[float]] = {OURS: [], "bare": []}

    def timed(who: str, act: Callable[[], None]) -> float:
        start = process_time()
        seconds = _seconds(act)
        worked[who].append(process_time() - start)
        return rows / seconds

    samples = interleaved({OURS: lambda: timed(OURS, ours), "bare": lambda: timed("bare", bare)})
    by_processor = median(worked["bare"]) / median(worked[OURS])
    note = f"{rows} rows, SQLite; ratio by processor time {by_processor:.2f}"
    report(name, "1/s", samples, digits=0, note=note)


def _seconds(act: Callable[[], object]) -> float:
    start = perf_counter()
    act()
    return perf_counter() - start


def _made(kind: str, fmt: str, rows: int | None) -> None:
    """Run a report's job to its end, and make sure that it did what is measured."""
    from django.contrib.auth.models import User

    from apps.core.runner import run
    from apps.reports import store
    from apps.reports.actors import build_report
    from apps.reports.asking import ask
    from apps.reports.periods import Period

    user, _ = User.objects.get_or_create(username="bench")
    asked = ask(user, kind, fmt, Period(first=None if rows is None else FIRST, last=LAST))
    run(str(asked.job_id), build_report.fn)
    asked.refresh_from_db()
    if not asked.stored_name or (rows and not rows <= (asked.rows or 0) < rows + LINES_A_PIECE):
        raise RuntimeError(f"{asked}: {asked.rows} of {rows} rows, {asked.job and asked.job.error}")
    store.remove(asked.stored_name)


def _rows() -> QuerySet[Any, tuple[Any, ...]]:
    from apps.reports.models import LedgerEntry

    wanted = LedgerEntry.objects.filter(date__gte=FIRST, date__lte=LAST).order_by("pk")
    return wanted.values_list(*FIELDS)


def _bare_csv() -> None:
    from apps.reports.document import CHUNK

    # Not "utf-8-sig", whose encoder is written in Python.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        for row in _rows().iterator(chunk_size=CHUNK):
            writer.writerow(row)


def _bare_xlsx() -> None:
    from xlsxwriter import Workbook

    from apps.reports.document import CHUNK

    with tempfile.TemporaryDirectory() as folder:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "tmpdir": folder,
            "default_date_format": "yyyy-mm-dd",
        }
        book = Workbook(str(Path(folder) / "bare.xlsx"), options)
        sheet = book.add_worksheet()
        for number, row in enumerate(_rows().iterator(chunk_size=CHUNK)):
            for column, value in enumerate(row):
                sheet.write(number, column, value)
        book.close()


def _rss() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def _peak() -> int:
    # Kilobytes on Linux.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        main()
