"""CSV as a French spreadsheet opens it: semicolons, decimal commas, UTF-8 with its mark."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from apps.core.spreadsheets import DANGEROUS, defused
from apps.reports.cents import plain
from apps.reports.document import Cell, Document

from .base import Format, LookUp, Read
from .memo import Memo

#: Tells a spreadsheet that the file is UTF-8.
MARK = "\ufeff"
#: A line that begins as a formula; finds more than there is where a text has several lines.
SUSPECT = re.compile(f"^[{re.escape(''.join(DANGEROUS))}]", re.MULTILINE)

#: Turns a column's values into their texts.
Turn = Callable[[Sequence[Any]], Iterable[Any]]


def guarded(texts: Sequence[str]) -> Iterable[str]:
    """Keep a spreadsheet from running texts as formulas; one search, as hardly ever any would."""
    return map(defused, texts) if SUSPECT.search("\n".join(texts)) else texts


def commas(cents: Sequence[int]) -> Iterable[str]:
    """Write amounts with a decimal comma. A number needs no guard: nothing runs in it."""
    return [f"{each // 100},{each % 100:02d}" if each >= 0 else plain(each) for each in cents]


def _day(value: Any) -> str:
    return "" if value is None else str(value.isoformat())


def _rate(value: Any) -> str:
    return "" if value is None else f"{value.normalize():f}".replace(".", ",")


def _turn(cell: Cell) -> Turn:
    """Give the way in which a column is written."""
    day, rate = Memo(_day).__getitem__, Memo(_rate).__getitem__
    turns: dict[Cell, Turn] = {
        Cell.TEXT: guarded,
        Cell.DATE: lambda days: map(day, days),
        Cell.CENTS: commas,
        Cell.NUMBER: lambda numbers: numbers,
        Cell.RATE: lambda rates: map(rate, rates),
    }
    return turns[cell]


class CsvFile(Format):
    """The report's own table, one line a row."""

    name = "csv"
    label = "CSV"
    extension = "csv"
    content_type = "text/csv; charset=utf-8"
    bytes_a_row = 125
    working_bytes_a_row = 125

    def write(self, path: Path, document: Document, read: Read, look_up: LookUp) -> None:
        """Write head and rows, a chunk at a time and in it column by column: the loops are C's."""
        table = document.tables[0]
        turns = [_turn(column.cell) for column in table.columns]
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(MARK + _lines([[defused(column.label) for column in table.columns]]))
            for chunk in read(table):
                columns = zip(turns, zip(*chunk, strict=True), strict=True)
                file.write(_lines(zip(*(turn(column) for turn, column in columns), strict=True)))


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    buffer = StringIO()
    csv.writer(buffer, delimiter=";").writerows(rows)
    return buffer.getvalue()
