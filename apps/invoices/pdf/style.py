"""Fonts, colours and paragraph styles of the PDF."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.platypus import Paragraph

from apps import core
from apps.core.typefaces import typeface

FONTS = Path(core.__file__).resolve().parent / "fonts"
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"

ACCENT = HexColor("#0b6b94")
MUTED = HexColor("#566370")
LINE = HexColor("#dfe5eb")
INK = HexColor("#16202a")

BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=8.5, leading=12, textColor=INK)
BODY_BOLD = ParagraphStyle("body-bold", BODY, fontName=BOLD)
SMALL = ParagraphStyle("small", BODY, fontSize=7, leading=9.5, textColor=MUTED)
SELLER = ParagraphStyle("seller", BODY_BOLD, fontSize=13, leading=17, textColor=ACCENT)
TITLE = ParagraphStyle(
    "title", BODY_BOLD, fontSize=15, leading=19, textColor=ACCENT, alignment=TA_RIGHT
)
FACTS = ParagraphStyle("facts", BODY, alignment=TA_RIGHT)


@cache
def register_fonts() -> None:
    """Make the two shipped fonts known to reportlab, once a process."""
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(typeface(name, FONTS / f"{name}.ttf"))


def paragraph(lines: list[str], style: ParagraphStyle) -> Paragraph:
    """Set lines of plain text.

    Escaped, because a Paragraph reads markup and customers are called “A & B <Frères>”.
    """
    return Paragraph("<br/>".join(escape(line) for line in lines if line), style)
