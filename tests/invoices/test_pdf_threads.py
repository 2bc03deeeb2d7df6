"""Several threads draw documents at once, as a worker's do."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from apps import core
from apps.core.typefaces import typeface

FONT = Path(core.__file__).resolve().parent / "fonts" / "DejaVuSans.ttf"


def test_threads_cut_their_characters_out_of_one_font() -> None:
    pdfmetrics.registerFont(typeface("Shared", FONT))
    failures: list[BaseException] = []

    def draw(text: str) -> None:
        try:
            for _ in range(60):
                canvas = Canvas("unused.pdf")
                canvas.setFont("Shared", 12)
                canvas.drawString(72, 72, text)
                canvas.getpdfdata()  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001 (a thread has nobody to tell)
            failures.append(error)

    texts = ("éèêëàâäîïôöùûüç", "ÀÂÄÉÈÊËÎÏÔÖÙÛÜÇ", "abcdefghijklmnop", "0123456789ñõãåøæœ")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=draw, args=(text,)) for text in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert failures == []
