"""Pages with the report's name at the top and “2 / 3” at the foot."""

from __future__ import annotations

from pathlib import Path

from django.utils import translation
from reportlab.pdfgen.canvas import Canvas

from apps.reports.document import Document

from .style import (
    ACCENT,
    BOLD,
    BOTTOM,
    INK,
    LINE,
    MARGIN,
    MUTED,
    PAGE,
    REGULAR,
    TOP,
    register_fonts,
)

#: A drawing that every foot refers to, and that is made when the number of pages is known.
PAGES = "pages"
FOOT = 26.0


class Pages:
    """The pages of one file, drawn from the top down."""

    def __init__(self, path: Path, document: Document) -> None:
        register_fonts()
        self._document = document
        self.canvas = Canvas(
            str(path),
            pagesize=PAGE,
            # No creation date and no random document id: the same report gives the same bytes.
            invariant=1,
            # reportlab's own is Helvetica, which would not be embedded. (The stubs want a number.)
            initialFontName=REGULAR,  # type: ignore[arg-type]
            lang=translation.get_language(),
        )
        self.canvas.setTitle(f"{document.title}, {document.period}")
        self.canvas.setAuthor(document.company)
        self.number = 0
        #: How far down the page is used.
        self.y = TOP

    def begin(self) -> None:
        """Begin a page, with its head."""
        self.number += 1
        canvas = self.canvas
        canvas.setFillColor(ACCENT)
        canvas.setFont(BOLD, 12)
        canvas.drawString(MARGIN, PAGE[1] - 38, self._document.title)
        canvas.setFillColor(MUTED)
        canvas.setFont(REGULAR, 8)
        right = f"{self._document.company} · {self._document.period}"
        canvas.drawRightString(PAGE[0] - MARGIN, PAGE[1] - 38, right)
        canvas.setStrokeColor(LINE)
        canvas.line(MARGIN, PAGE[1] - 46, PAGE[0] - MARGIN, PAGE[1] - 46)
        canvas.setFillColor(INK)
        self.y = TOP

    def end(self) -> None:
        """End the page, with its foot."""
        canvas = self.canvas
        canvas.setStrokeColor(LINE)
        canvas.line(MARGIN, FOOT + 10, PAGE[0] - MARGIN, FOOT + 10)
        canvas.setFillColor(MUTED)
        canvas.setFont(REGULAR, 7)
        canvas.drawRightString(PAGE[0] - MARGIN - 24, FOOT, f"{self.number} /")
        canvas.doForm(PAGES)
        canvas.showPage()

    def save(self) -> None:
        """Write the number of pages, and the file."""
        canvas = self.canvas
        canvas.beginForm(PAGES, 0, 0, PAGE[0], PAGE[1])
        canvas.setFillColor(MUTED)
        canvas.setFont(REGULAR, 7)
        canvas.drawString(PAGE[0] - MARGIN - 21, FOOT, str(self.number))
        canvas.endForm()
        canvas.save()

    def has_room(self, height: float) -> bool:
        """Say whether so much fits on the page."""
        return self.y - height >= BOTTOM
