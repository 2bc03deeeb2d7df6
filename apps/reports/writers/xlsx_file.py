"""XLSX with constant memory: typed cells, a sheet of parameters first, sheets split at their limit.

Text is always written as text: xlsxwriter must not take `=1+1` for a formula.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from io import FileIO
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from xlsxwriter import Workbook
from xlsxwriter.format import Format as Style
from xlsxwriter.worksheet import Worksheet

from apps.reports.document import Cell, Column, Document, Table

from .base import Format, LookUp, Read

#: Rows of a sheet, its head included: a limit of the file format.
SHEET_ROWS = 1_048_576
#: Characters of a sheet's name.
NAME = 31
#: The day before Excel's first, as Python counts days (Excel believes in a 29 February 1900).
EPOCH = 693_594
#: Bytes between two looks at whether to stop, while the file is packed.
LOOK_EVERY = 1 << 18

#: Excel's own short date: each reader sees it as in the rest of their country.
SHORT_DATE = 14
#: As xlsxwriter knows A4.
A4 = 9

NUMBER_FORMATS: dict[Cell, str | int] = {
    Cell.DATE: SHORT_DATE,
    Cell.CENTS: "#,##0.00",
    Cell.NUMBER: "0",
    Cell.RATE: "0.0%",
}


class XlsxFile(Format):
    """A workbook with all tables of the report."""

    name = "xlsx"
    label = "Excel (XLSX)"
    extension = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    bytes_a_row = 60
    least_bytes = 7_000
    working_bytes_a_row = 700
    has_details = True

    def write(self, path: Path, document: Document, read: Read, look_up: LookUp) -> None:
        """Write one sheet after the other, then pack them."""
        options = {
            "constant_memory": True,
            "tmpdir": str(path.parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        with LookingFile(path, look_up) as file:
            book = Workbook(file, options)
            styles = _styles(book)
            _write_parameters(book, styles, document)
            for table in document.tables:
                sheets = Sheets(book, styles, table)
                for chunk in read(table):
                    sheets.write(chunk)
            book.close()


class LookingFile(FileIO):
    """A file that looks up now and then while it is written: packing a big workbook takes long.

    Closed, it takes whatever comes: xlsxwriter leaves its archive open when it fails, and Python
    would end that one later.
    """

    def __init__(self, path: Path, look_up: LookUp) -> None:
        super().__init__(path, "wb")
        self._look_up = look_up
        self._unseen = 0
        self._left_at = 0

    def write(self, data: Any) -> int:
        """Write all of it."""
        view = memoryview(data).cast("B")
        if self.closed:
            return len(view)
        self._unseen += len(view)
        if self._unseen >= LOOK_EVERY:
            self._unseen = 0
            self._look_up()
        written = 0
        while written < len(view):
            written += super().write(view[written:])
        return written

    def seek(self, *args: int) -> int:
        """Go to a place."""
        return self._left_at if self.closed else super().seek(*args)

    def tell(self) -> int:
        """Say at which place it is."""
        return self._left_at if self.closed else super().tell()

    def close(self) -> None:
        """Close the file, and remember where that was."""
        if not self.closed:
            self._left_at = super().tell()
        super().close()

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


Put = Callable[[int, int, Any], Any]


class Sheets:
    """The sheets that one table fills."""

    def __init__(self, book: Workbook, styles: dict[Any, Style], table: Table) -> None:
        self._book = book
        self._styles = styles
        self._table = table
        self._number = 0
        #: Where the next row goes.
        self._row = 0
        self._puts: list[Put] = []
        self._begin()

    def write(self, chunk: Any) -> None:
        """Write rows, on a new sheet where one is full."""
        for row in chunk:
            if self._row == SHEET_ROWS:
                self._begin()
            at = self._row
            for column, put in enumerate(self._puts):
                put(at, column, row[column])
            self._row = at + 1

    def _begin(self) -> None:
        self._number += 1
        suffix = f" ({self._number})" if self._number > 1 else ""
        sheet = self._book.add_worksheet(self._table.name[: NAME - len(suffix)] + suffix)
        last = len(self._table.columns) - 1
        for place, column in enumerate(self._table.columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, column.label, self._styles["head"])
        sheet.freeze_panes(1, 0)
        _prepare_printing(sheet, self._table.name)
        left = self._table.count - (self._number - 1) * (SHEET_ROWS - 1)
        sheet.autofilter(0, 0, max(1, min(left, SHEET_ROWS - 1)), last)
        self._puts = [self._put(sheet, column) for column in self._table.columns]
        self._row = 1

    def _put(self, sheet: Worksheet, column: Column) -> Put:
        """Give the way in which a column's values are written."""
        style = self._styles.get(column.cell)
        text, number = sheet.write_string, sheet.write_number

        def put_day(row: int, place: int, value: Any) -> None:
            if value is not None:
                number(row, place, value.toordinal() - EPOCH, style)

        def put_cents(row: int, place: int, value: Any) -> None:
            number(row, place, value / 100, style)

        def put_number(row: int, place: int, value: Any) -> None:
            number(row, place, value, style)

        def put_rate(row: int, place: int, value: Any) -> None:
            if value is not None:
                number(row, place, float(value / Decimal(100)), style)

        puts: dict[Cell, Put] = {
            Cell.TEXT: text,
            Cell.DATE: put_day,
            Cell.CENTS: put_cents,
            Cell.NUMBER: put_number,
            Cell.RATE: put_rate,
        }
        return puts[column.cell]


def _prepare_printing(sheet: Worksheet, name: str) -> None:
    """Have all columns fit on a page, under a head on each."""
    sheet.set_paper(A4)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L{name.replace('&', '&&')}&R&P / &N")


def _styles(book: Workbook) -> dict[Any, Style]:
    styles: dict[Any, Style] = {
        cell: book.add_format({"num_format": number}) for cell, number in NUMBER_FORMATS.items()
    }
    styles["head"] = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
    styles["name"] = book.add_format({"bold": True})
    return styles


def _write_parameters(book: Workbook, styles: dict[Any, Style], document: Document) -> None:
    """Say on the first sheet what the others hold."""
    sheet = book.add_worksheet(_("Parameters"))
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 48)
    row = 0
    for name, value in document.facts:
        sheet.write_string(row, 0, name, styles["name"])
        sheet.write_string(row, 1, value)
        row += 1
    for table in document.tables:
        row += 1
        sheet.write_string(row, 0, table.name, styles["head"])
        sheet.write_string(row + 1, 0, _("Rows"), styles["name"])
        sheet.write_number(row + 1, 1, table.count)
        row += 2
        for place, cents in table.sums.items():
            sheet.write_string(row, 0, table.columns[place].label, styles["name"])
            sheet.write_number(row, 1, cents / 100, styles[Cell.CENTS])
            row += 1
