"""CSV as a French spreadsheet opens it: semicolons, decimal commas, UTF-8 with its mark."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from apps.core.spreadsheets import defused
from apps.reports.cents import plain
from apps.reports.document import Cell, Document

from .base import Format, LookUp, Read
from .memo import Memo


def _day(value: Any) -> str:
    return "" if value is None else value.isoformat()


def _rate(value: Any) -> str:
    return "" if value is None else f"{value.normalize():f}".replace(".", ",")


#: How a value of each kind is written. Numbers need no guard: a formula begins with `-` only
#: where text follows.
TEXT_OF: dict[Cell, Callable[[Any], str]] = {
    Cell.TEXT: defused,
    Cell.DATE: _day,
    Cell.CENTS: plain,
    Cell.NUMBER: str,
    Cell.RATE: _rate,
}


class CsvFile(Format):
    """The report's own table, one line a row."""

    name = "csv"
    label = "CSV"
    extension = "csv"
    content_type = "text/csv; charset=utf-8"
    bytes_a_row = 125
    working_bytes_a_row = 125

    def write(self, path: Path, document: Document, read: Read, look_up: LookUp) -> None:
        """Write head and rows."""
        table = document.tables[0]
        texts = [Memo(TEXT_OF[column.cell]).__getitem__ for column in table.columns]
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(defused(column.label) for column in table.columns)
            for chunk in read(table):
                # Column by column, so that the loops run in C.
                columns: Iterable[Iterable[str]] = map(
                    map,
                    texts,
                    zip(*chunk, strict=True),  # type: ignore[arg-type]
                )
                writer.writerows(zip(*columns, strict=True))
