"""PDF: charts, then the rows, drawn page by page so that their number does not matter."""

from __future__ import annotations

from .pdf_file import PdfFile

__all__ = ["PdfFile"]
