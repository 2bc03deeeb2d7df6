"""Write amounts in templates: `{{ invoice.total_gross|amount:invoice.currency }}`."""

from __future__ import annotations

from decimal import Decimal

from django import template

from apps.invoices.money import format_amount

register = template.Library()


@register.filter
def amount(value: Decimal, currency: str = "EUR") -> str:
    """Write an amount with its currency, in the active language."""
    return format_amount(value, currency)
