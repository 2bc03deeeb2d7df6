"""A report on paper."""

from __future__ import annotations

from pathlib import Path

from apps.reports.document import Document
from apps.reports.writers.base import Format, LookUp, Read

from .charts import draw_charts
from .pages import Pages
from .rows import Rows
from .style import BOLD, INK, MARGIN, MUTED, REGULAR


class PdfFile(Format):
    """Facts and charts on the first page, then the report's own table."""

    name = "pdf"
    label = "PDF"
    extension = "pdf"
    content_type = "application/pdf"
    bytes_a_row = 110
    #: Mostly the two fonts.
    least_bytes = 46_000
    working_bytes_a_row = 110
    #: Nobody reads six hundred pages.
    most_rows = 20_000

    def write(self, path: Path, document: Document, read: Read, look_up: LookUp) -> None:
        """Draw all pages."""
        pages = Pages(path, document)
        pages.begin()
        _draw_facts(pages, document)
        draw_charts(pages, document.charts)
        table = document.tables[0]
        Rows(pages, table).draw(read(table))
        pages.end()
        pages.save()


def _draw_facts(pages: Pages, document: Document) -> None:
    canvas = pages.canvas
    for name, value in document.facts:
        pages.y -= 12
        canvas.setFont(REGULAR, 8)
        canvas.setFillColor(MUTED)
        canvas.drawString(MARGIN, pages.y, name)
        canvas.setFont(BOLD, 8)
        canvas.setFillColor(INK)
        canvas.drawString(MARGIN + 230, pages.y, value)
    pages.y -= 18
