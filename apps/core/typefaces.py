"""Typefaces for PDFs that several threads draw at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from reportlab.pdfbase.ttfonts import TTFont


def typeface(name: str, path: Path) -> TTFont:
    """Load a TrueType font for `pdfmetrics.registerFont`.

    A registered font is shared by all threads, and reportlab keeps the place in the file that it
    reads from in there: of two documents that need their characters cut out at the same time, one
    ended in a KeyError.
    """
    font = TTFont(name, str(path))
    cut, lock = font.face.makeSubset, threading.Lock()

    def one_at_a_time(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return cut(*args, **kwargs)

    font.face.makeSubset = one_at_a_time  # type: ignore[method-assign]
    return font
