"""Text that is safe to open in a spreadsheet."""

from __future__ import annotations

#: A cell that begins with one of these is run as a formula (OWASP, CSV injection).
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def defused(text: str) -> str:
    """Keep a spreadsheet from running `text` as a formula."""
    return f"'{text}" if text.startswith(DANGEROUS) else text
