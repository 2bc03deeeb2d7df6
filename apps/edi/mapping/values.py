"""Numbers, days and article numbers as partners write them."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal


class TooPrecise(ValueError):
    """Raised for a number with more digits than are kept."""


_NUMBER = re.compile(r"[+-]?(\d{1,20}([.,]\d{0,12})?|[.,]\d{1,12})", re.ASCII)
_GTIN_LENGTHS = frozenset({8, 12, 13, 14})
_TWO_DIGIT_YEARS = frozenset({"2", "101", "201", "202", "301"})


def number(written: str, digits: int = 40, places: int = 20) -> Decimal | None:
    """Read a number; the decimal mark may be a point or a comma, whatever the file declares.

    None when it is none.

    Raises:
        TooPrecise: a column of so many digits and decimal places would not keep it as it is.
    """
    match = _NUMBER.fullmatch(written.strip())
    if match is None:
        return None
    text = match[0].replace(",", ".")
    whole, _point, fraction = text.lstrip("+-0").partition(".")
    if len(whole) > digits - places or len(fraction.rstrip("0")) > places:
        raise TooPrecise(written)
    return Decimal(text)


def day(written: str, form: str = "102") -> date | None:
    """Read the day of a date, by its format (EDIFACT 2379) and its length.

    Some write a time under a format without one; the day is what counts.
    """
    text = written.strip()
    if not (text.isascii() and text.isdigit()):
        return None
    if form in _TWO_DIGIT_YEARS or len(text) == 6:
        year, rest = 2000 + int(text[:2] or 0), text[2:6]
        year -= 100 * (year >= 2080)
    else:
        year, rest = int(text[:4] or 0), text[4:8]
    if len(rest) < 4:
        return None
    try:
        return date(year, int(rest[:2]), int(rest[2:]))
    except ValueError:
        return None


def has_right_check_digit(gtin: str) -> bool:
    """Check a GTIN of 8, 12, 13 or 14 digits (GS1: weights 3 and 1 from the right)."""
    if len(gtin) not in _GTIN_LENGTHS or not (gtin.isascii() and gtin.isdigit()):
        return False
    digits = gtin.encode()
    threes, ones = digits[-2::-2], digits[-1::-2]
    return (3 * sum(threes) + sum(ones) - ord("0") * (3 * len(threes) + len(ones))) % 10 == 0
