"""Pages numbered “2 / 3”, with the issuer's legal line at the foot of each."""

from __future__ import annotations

from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfdoc import PDFZCompress
from reportlab.pdfgen.canvas import Canvas

from .style import LINE, MUTED, REGULAR


class FootedCanvas(Canvas):
    """A canvas that keeps its pages back until it knows how many there are."""

    legal_line = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Without reportlab's ASCII85, which makes files longer and takes a tenth of the time.
        document: Any = self._doc  # type: ignore[attr-defined]  # the stubs leave it out
        document.defaultStreamFilters = [PDFZCompress]
        self._held: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 (reportlab's name)
        """Hold the page back."""
        self._held.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]  # the stubs leave it out

    def save(self) -> None:
        """Write every page with its foot."""
        for number, state in enumerate(self._held, start=1):
            self.__dict__.update(state)
            self._draw_foot(f"{number} / {len(self._held)}")
            super().showPage()
        super().save()

    def _draw_foot(self, page: str) -> None:
        width = A4[0]
        self.setStrokeColor(LINE)
        self.line(18 * mm, 16 * mm, width - 18 * mm, 16 * mm)
        self.setFont(REGULAR, 6.5)
        self.setFillColor(MUTED)
        self.drawString(18 * mm, 12 * mm, self.legal_line)
        self.drawRightString(width - 18 * mm, 12 * mm, page)
