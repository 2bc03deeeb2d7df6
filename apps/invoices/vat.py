"""VAT as French invoices need it: computed per rate on the sum of the lines, never line by line.

Pure: Decimals in, Decimals out. Rounding a line's VAT and adding up would differ by cents from what
the law and EN 16931 (rules BR-S-08, BR-CO-14) verify.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

#: The rates in force in metropolitan France, in percent.
RATES = (Decimal("20"), Decimal("10"), Decimal("5.5"), Decimal("2.1"), Decimal("0"))

CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class RateTotal:
    """What one VAT rate adds to an invoice."""

    rate: Decimal
    net: Decimal
    vat: Decimal


@dataclass(frozen=True, kw_only=True)
class Totals:
    """An invoice's amounts; `per_rate` goes from the highest rate to the lowest."""

    net: Decimal
    vat: Decimal
    per_rate: tuple[RateTotal, ...]

    @property
    def gross(self) -> Decimal:
        """Add the VAT to the net amount."""
        return self.net + self.vat


def round_cents(amount: Decimal) -> Decimal:
    """Round to the cent, halves away from zero as accountants do (Python rounds to even)."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def line_net(quantity: Decimal, unit_price: Decimal) -> Decimal:
    """Compute a line's net amount."""
    return round_cents(quantity * unit_price)


def total(lines: Iterable[tuple[Decimal, Decimal]]) -> Totals:
    """Add up lines given as (rate, net amount)."""
    nets: dict[Decimal, Decimal] = {}
    for rate, net in lines:
        nets[rate] = nets.get(rate, Decimal(0)) + net
    per_rate = tuple(
        # Always two decimals: 20 and 20.00 are one rate, and read alike.
        RateTotal(rate=rate.quantize(CENT), net=net, vat=round_cents(net * rate / 100))
        for rate, net in sorted(nets.items(), reverse=True)
    )
    return Totals(
        net=sum((line.net for line in per_rate), Decimal("0.00")),
        vat=sum((line.vat for line in per_rate), Decimal("0.00")),
        per_rate=per_rate,
    )
