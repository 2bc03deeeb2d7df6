"""The rows of a table on as many pages as it takes, with subtotals and a total."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import stringWidth

from apps.reports.cents import pretty
from apps.reports.document import Cell, Chunk, Table
from apps.reports.writers.memo import Memo

from .pages import Pages
from .style import ACCENT, BOLD, INK, LINE, MARGIN, MUTED, PAGE, REGULAR, WIDTH

PADDING = 3.0
#: Characters in all, above which the smaller font is needed.
MANY = 190
SIZES = (7.5, 6.0)
TO_THE_RIGHT = (Cell.CENTS, Cell.NUMBER, Cell.RATE)


def _day(value: Any) -> str:
    return "" if value is None else formats.date_format(value, "SHORT_DATE_FORMAT")


def _rate(value: Any) -> str:
    return "" if value is None else f"{formats.number_format(value.normalize() + 0)} %"


TEXT_OF: dict[Cell, Callable[[Any], str]] = {
    Cell.TEXT: str,
    Cell.DATE: _day,
    Cell.CENTS: pretty,
    Cell.NUMBER: str,
    Cell.RATE: _rate,
}


class Rows:
    """Draws the rows of one table."""

    def __init__(self, pages: Pages, table: Table) -> None:
        self._pages = pages
        self._table = table
        characters = sum(column.width for column in table.columns)
        self._size = SIZES[characters > MANY]
        self._height = self._size + 4.5
        scale = WIDTH / characters
        self._widths = [column.width * scale for column in table.columns]
        self._lefts = [MARGIN + sum(self._widths[:n]) for n in range(len(self._widths))]
        self._texts = [Memo(TEXT_OF[column.cell]) for column in table.columns]
        self._right = [column.cell in TO_THE_RIGHT for column in table.columns]
        self._month = ""
        self._month_sums = dict.fromkeys(table.sums, 0)

    def draw(self, chunks: Iterator[Chunk]) -> None:
        """Draw head, rows, subtotals and total."""
        self._draw_head()
        for chunk in chunks:
            for row in chunk:
                self._sum_up(row)
                texts = [memo[value] for memo, value in zip(self._texts, row, strict=True)]
                self._draw_row(texts, REGULAR)
        self._end_month()
        if self._table.sums:
            self._draw_row(self._summed(_("Total"), self._table.sums), BOLD)

    def _sum_up(self, row: tuple[Any, ...]) -> None:
        place = self._table.months_by
        if place is None:
            return
        month = formats.date_format(row[place], "YEAR_MONTH_FORMAT")
        if month != self._month:
            self._end_month()
            self._month = month
        for column in self._month_sums:
            self._month_sums[column] += row[column]

    def _end_month(self) -> None:
        if self._month:
            self._draw_row(self._summed(self._month, self._month_sums), BOLD)
            self._month_sums = dict.fromkeys(self._month_sums, 0)

    def _summed(self, name: str, sums: Any) -> list[str]:
        texts = [""] * len(self._table.columns)
        for column, cents in sums.items():
            texts[column] = pretty(cents)
        texts[0] = name
        return texts

    def _draw_head(self) -> None:
        canvas, size = self._pages.canvas, self._size - 0.5
        labels = [
            simpleSplit(column.label, REGULAR, size, width - PADDING)
            for column, width in zip(self._table.columns, self._widths, strict=True)
        ]
        deepest = max(map(len, labels))
        canvas.setFont(REGULAR, size)
        canvas.setFillColor(MUTED)
        for column, lines in enumerate(labels):
            for depth, line in enumerate(lines):
                y = self._pages.y - self._height * (deepest - len(lines) + depth + 1) + 3
                if self._right[column]:
                    canvas.drawRightString(
                        self._lefts[column] + self._widths[column] - PADDING, y, line
                    )
                else:
                    canvas.drawString(self._lefts[column], y, line)
        self._pages.y -= self._height * deepest
        canvas.setStrokeColor(ACCENT)
        canvas.line(MARGIN, self._pages.y, PAGE[0] - MARGIN, self._pages.y)
        canvas.setFillColor(INK)

    def _draw_row(self, texts: list[str], font: str) -> None:
        if not self._pages.has_room(self._height):
            self._pages.end()
            self._pages.begin()
            self._draw_head()
        canvas, size = self._pages.canvas, self._size
        self._pages.y -= self._height
        y = self._pages.y + 3
        line = canvas.beginText()
        line.setFont(font, size)
        for column, text in enumerate(texts):
            if text:
                shown, x = self._placed(column, text, font)
                line.setTextOrigin(x, y)
                line.textOut(shown)
        canvas.drawText(line)
        canvas.setStrokeColor(LINE)
        canvas.line(MARGIN, self._pages.y, PAGE[0] - MARGIN, self._pages.y)

    def _placed(self, column: int, text: str, font: str) -> tuple[str, float]:
        """Fit a cell's text into its column; give it with where it begins."""
        room = self._widths[column] - PADDING
        width = stringWidth(text, font, self._size)
        if self._right[column]:
            # Never cut: half an amount would be another one.
            return text, self._lefts[column] + room - width
        # A month's name may run over the cells beside it, which are empty.
        if width > room and font != BOLD:
            text = _cut(text, font, self._size, room)
        return text, self._lefts[column]


def _cut(text: str, font: str, size: float, room: float) -> str:
    """Cut text to the room there is."""
    kept = text
    while kept:
        # By proportion first, then letter by letter.
        share = room / stringWidth(f"{kept}…", font, size)
        kept = kept[: min(len(kept) - 1, int(len(kept) * share))]
        if stringWidth(f"{kept}…", font, size) <= room:
            break
    return f"{kept}…"
