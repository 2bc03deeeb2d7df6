"""What the ledger is told of an invoice, and the lines that it becomes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from apps.reports.accounts import CUSTOMERS, SALES, SALES_JOURNAL, Account, vat_account
from apps.reports.errors import UnbalancedSaleError
from apps.reports.models import PieceKind

#: A line's own `date` hides the type.
Day = date
ZERO = Decimal("0.00")
#: Characters that would break a line of the FEC.
UNFIT = re.compile(r"[\x00-\x1f\x7f|]+")


@dataclass(frozen=True, kw_only=True)
class RateAmount:
    """What is sold at one VAT rate (in percent)."""

    rate: Decimal
    net: Decimal
    vat: Decimal


@dataclass(frozen=True, kw_only=True)
class Sale:
    """An invoice or a credit note; amounts are positive on both."""

    number: str
    is_credit_note: bool
    issued_on: date
    due_on: date
    customer_code: str
    customer_name: str
    gross: Decimal
    rates: tuple[RateAmount, ...]


class Line(NamedTuple):
    """A line of the ledger as it is written: the fields of `LedgerEntry`."""

    journal: str
    year: int
    number: int
    line: int
    date: date
    account: str
    account_label: str
    auxiliary: str
    auxiliary_label: str
    piece: str
    piece_kind: str
    label: str
    debit: Decimal
    credit: Decimal
    due_date: Day | None
    vat_rate: Decimal | None
    validated_on: Day
    letter: str = ""
    lettered_on: Day | None = None


def entry_of(sale: Sale, *, number: int, validated_on: date) -> list[Line]:
    """Write a sale as the lines of one entry, the customer's first; none when it is worth nothing.

    Raises:
        UnbalancedSaleError: its rates do not add up to its total.
    """
    rates = sum((each.net + each.vat for each in sale.rates), ZERO)
    if rates != sale.gross:
        raise UnbalancedSaleError(sale.number, sale.gross, rates)
    kind = PieceKind.CREDIT_NOTE if sale.is_credit_note else PieceKind.INVOICE
    title = "Avoir" if sale.is_credit_note else "Facture"
    code, name = fit(sale.customer_code), fit(sale.customer_name)
    label = f"{title} {sale.number} {name}"[:160]
    lines: list[Line] = []
    for account, amount, rate in _amounts(sale):
        is_customer = account is CUSTOMERS
        lines.append(
            Line(
                journal=SALES_JOURNAL,
                year=sale.issued_on.year,
                number=number,
                line=len(lines) + 1,
                date=sale.issued_on,
                account=account.number,
                account_label=account.label,
                auxiliary=code if is_customer else "",
                auxiliary_label=name[:120] if is_customer else "",
                piece=sale.number,
                piece_kind=kind.value,
                label=label,
                debit=max(amount, ZERO),
                credit=max(-amount, ZERO),
                due_date=sale.due_on if is_customer else None,
                vat_rate=rate,
                validated_on=validated_on,
            )
        )
    return lines


def fit(text: str) -> str:
    """Make text fit for a line of the FEC: no tabs, line ends or pipes."""
    return UNFIT.sub(" ", text).strip()


def _amounts(sale: Sale) -> Iterator[tuple[Account, Decimal, Decimal | None]]:
    """Give the amounts that are not zero with their accounts: debit positive, credit negative."""
    sign = -1 if sale.is_credit_note else 1
    if sale.gross:
        yield CUSTOMERS, sign * sale.gross, None
    for each in sale.rates:
        if each.net:
            yield SALES, -sign * each.net, each.rate
        if each.vat:
            yield vat_account(each.rate), -sign * each.vat, each.rate
