"""Fonts, colours and measures of printed reports, in points."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics

from apps import core
from apps.core.typefaces import typeface

FONTS = Path(core.__file__).resolve().parent / "fonts"
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"

ACCENT = HexColor("#0b6b94")
MUTED = HexColor("#566370")
LINE = HexColor("#dfe5eb")
INK = HexColor("#16202a")
#: One colour a series, told apart without colour vision too: from light to dark.
SERIES = tuple(map(HexColor, ("#9fd3e6", "#4fa3c4", "#0b6b94", "#e0a13a", "#a33b2f")))

PAGE = landscape(A4)
MARGIN = 36.0
WIDTH = PAGE[0] - 2 * MARGIN
#: Where the text of a page begins and ends.
TOP = PAGE[1] - 62.0
BOTTOM = 44.0


@cache
def register_fonts() -> None:
    """Make the two shipped fonts known to reportlab, once a process."""
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(typeface(name, FONTS / f"{name}.ttf"))
