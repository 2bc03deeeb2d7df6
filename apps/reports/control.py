"""Reading a table's rows: counted, added up, reported as progress, and compared in the end."""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.tracker import ProgressTracker
from apps.reports.document import Chunk, Table
from apps.reports.errors import ControlTotalsError


def controlled(table: Table, progress: ProgressTracker) -> Iterator[Chunk]:
    """Give a table's chunks, and make sure that they come to what the database says.

    Raises:
        ControlTotalsError: they don't.
    """
    count = 0
    sums = dict.fromkeys(table.sums, 0)
    for chunk in table.chunks():
        yield chunk
        count += len(chunk)
        for column in sums:
            sums[column] += sum(row[column] for row in chunk)
        # Here a job is cancelled, paused or handed back.
        progress.advance(len(chunk))
    if count != table.count:
        raise ControlTotalsError(table.name, table.count, count)
    for column, found in sums.items():
        if found != table.sums[column]:
            raise ControlTotalsError(table.columns[column].label, table.sums[column], found)
