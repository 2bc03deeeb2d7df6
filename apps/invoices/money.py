"""Amounts and dates as people read them, in the active language."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils import formats

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF"}


def format_amount(amount: Decimal, currency: str = "EUR") -> str:
    """Write an amount with its currency, kept on one line."""
    return f"{format_decimal(amount, 2)}\N{NO-BREAK SPACE}{SYMBOLS.get(currency, currency)}"


def format_decimal(value: Decimal, places: int) -> str:
    """Write a number with a fixed number of decimals and grouped thousands."""
    return formats.number_format(value, decimal_pos=places, force_grouping=True)


def format_short(value: Decimal, *, least: int = 0) -> str:
    """Write a number with as few decimals as it needs, but not fewer than `least`."""
    exponent = value.normalize().as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return format_decimal(value, max(places, least))


def format_day(day: date) -> str:
    """Write a date in figures."""
    return formats.date_format(day, "SHORT_DATE_FORMAT")
