"""CSV as a French spreadsheet opens it: semicolons, decimal commas, UTF-8 with its mark."""

from __future__ import annotations

import csv
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
END = "\r\n"
#: What a text must not hold to be written as it is, with a NUL before each: the beginning of a
#: formula, or what has to be quoted.
CARE = (*(f"\0{sign}" for sign in DANGEROUS), ";", '"', "\r", "\n")

#: Turns a column's values into their texts.
Turn = Callable[[Sequence[Any]], Iterable[str]]


def needs_care(texts: Sequence[str]) -> bool:
    """Say whether a text has to be guarded or quoted, as hardly ever any has.

    Plain searches of all texts at once: a regular expression would take as long as the writing.
    """
    joined = "\0".join(("", *texts))
    return any(mark in joined for mark in CARE)


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
        Cell.TEXT: lambda texts: texts,
        Cell.DATE: lambda days: map(day, days),
        Cell.CENTS: commas,
        Cell.NUMBER: lambda numbers: map(str, numbers),
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
        texts = [n for n, column in enumerate(table.columns) if column.cell is Cell.TEXT]
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(MARK + _quoted([[defused(column.label) for column in table.columns]]))
            for chunk in read(table):
                columns = list(zip(*chunk, strict=True))
                careful = any(needs_care(columns[n]) for n in texts)
                if careful:
                    for n in texts:
                        columns[n] = tuple(map(defused, columns[n]))
                turned = (turn(column) for turn, column in zip(turns, columns, strict=True))
                rows = zip(*turned, strict=True)
                file.write(_quoted(rows) if careful else _joined(rows))


def _quoted(rows: Iterable[Iterable[str]]) -> str:
    """Let the library find out what has to be quoted."""
    buffer = StringIO()
    csv.writer(buffer, delimiter=";", lineterminator=END).writerows(rows)
    return buffer.getvalue()


def _joined(rows: Iterable[Iterable[str]]) -> str:
    """Write rows of which nothing has to be quoted, in half the time."""
    return END.join(map(";".join, rows)) + END
