"""Amounts as whole cents, inside the database and outside."""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, Case, F, Q, Sum, Value, When
from django.db.models.functions import Cast, Coalesce, Round
from django.utils import formats


def in_cents(field: str) -> Any:
    """Give a column of amounts as an integer: SQLite would add decimals up as floats."""
    return Cast(Round(F(field) * 100), BigIntegerField())


def debit() -> Any:
    """Give a line's amount in cents, debit positive."""
    return in_cents("debit") - in_cents("credit")


def credit() -> Any:
    """Give a line's amount in cents, credit positive."""
    return in_cents("credit") - in_cents("debit")


def total(amount: Any, where: Q | None = None) -> Any:
    """Sum cents over the lines of a group, or over those that match; 0 without any."""
    if where is not None:
        amount = Case(When(where, then=amount), default=Value(0), output_field=BigIntegerField())
    return Coalesce(Sum(amount), Value(0), output_field=BigIntegerField())


def plain(cents: int) -> str:
    """Write cents as a French machine reads them: `-1234,50`."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return f"{sign}{whole},{rest:02d}"


def pretty(cents: int) -> str:
    """Write cents for people, in the active language: `-1 234,50`."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    grouped = f"{whole:,}".replace(",", str(formats.get_format("THOUSAND_SEPARATOR")))
    return f"{sign}{grouped}{formats.get_format('DECIMAL_SEPARATOR')}{rest:02d}"
