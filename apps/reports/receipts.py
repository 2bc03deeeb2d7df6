"""Payments of pieces: posted as entries of the bank's journal, and matched with what they pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from apps.reports.accounts import BANK, BANK_JOURNAL, CUSTOMERS, SALES_JOURNAL
from apps.reports.models import Ledger, LedgerEntry, PieceKind
from apps.reports.posting import batches, last_numbers, lock, write
from apps.reports.sales import ZERO, Line


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What was ever paid of a piece: by the customer, or on a credit note to them."""

    number: str
    total: Decimal
    #: The last day on which something was paid.
    paid_on: date


class CustomerLine(NamedTuple):
    """What a payment asks of a line on the customers' account: the fields of `LedgerEntry`."""

    piece: str
    journal: str
    piece_kind: str
    auxiliary: str
    auxiliary_label: str
    due_date: date | None
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A piece as the ledger has it; amounts are debit positive, on the customer's account."""

    sold: CustomerLine
    paid: Decimal

    @property
    def open(self) -> Decimal:
        """What remains of it."""
        return self.sold.debit - self.sold.credit + self.paid


def receive(payments: Sequence[Payment]) -> int:
    """Post what the ledger does not know of these payments yet; return how many entries that took.

    A piece with nothing left to pay is lettered. Pieces that were never sold are left out.
    """
    posted = 0
    with transaction.atomic():
        ledger = Ledger.objects.first()
        if ledger is None:
            return 0
        lock(ledger.siren, ledger.name)
        numbers = last_numbers(BANK_JOURNAL, {payment.paid_on.year for payment in payments})
        wanted = {payment.number: payment for payment in payments}
        for some in batches(list(wanted)):
            posted += _receive(some, wanted, numbers)
    return posted


def _receive(pieces: Sequence[str], wanted: Mapping[str, Payment], numbers: dict[int, int]) -> int:
    lines: list[Line] = []
    settled: list[str] = []
    unsettled: list[str] = []
    today = timezone.localdate()
    for number, standing in _standings(pieces).items():
        payment = wanted[number]
        is_note = standing.sold.piece_kind == PieceKind.CREDIT_NOTE
        # Credit positive: a payment takes away from what the customer owes.
        missing = (-payment.total if is_note else payment.total) + standing.paid
        if missing:
            year = payment.paid_on.year
            numbers[year] = numbers.get(year, 0) + 1
            lines += _entry(standing.sold, missing, payment.paid_on, numbers[year], today)
        (unsettled if standing.open - missing else settled).append(number)
    write(lines)
    _letter(settled)
    _of_customers(unsettled).exclude(letter="").update(letter="", lettered_on=None)
    return len(lines) // 2


def _standings(pieces: Sequence[str]) -> dict[str, Standing]:
    """Find what was sold and what was paid, by piece."""
    sold: dict[str, CustomerLine] = {}
    paid: dict[str, Decimal] = {}
    # Rows, not objects: a third of the time for the thousands that a seeding brings.
    for row in _of_customers(pieces).values_list(*CustomerLine._fields):
        line = CustomerLine(*row)
        if line.journal == SALES_JOURNAL:
            sold[line.piece] = line
        else:
            paid[line.piece] = paid.get(line.piece, ZERO) + line.debit - line.credit
    return {
        number: Standing(sold=line, paid=paid.get(number, ZERO)) for number, line in sold.items()
    }


def _entry(
    sold: CustomerLine, amount: Decimal, day: date, number: int, today: date
) -> tuple[Line, Line]:
    """Write an amount received as the lines of one entry."""
    common: dict[str, Any] = {
        "journal": BANK_JOURNAL,
        "year": day.year,
        "number": number,
        "date": day,
        "piece": sold.piece,
        "piece_kind": sold.piece_kind,
        "label": f"Règlement {sold.piece} {sold.auxiliary_label}"[:160],
        "vat_rate": None,
        "validated_on": today,
    }
    bank = Line(
        **common,
        line=1,
        account=BANK.number,
        account_label=BANK.label,
        auxiliary="",
        auxiliary_label="",
        debit=max(amount, ZERO),
        credit=max(-amount, ZERO),
        due_date=None,
    )
    customer = Line(
        **common,
        line=2,
        account=CUSTOMERS.number,
        account_label=CUSTOMERS.label,
        auxiliary=sold.auxiliary,
        auxiliary_label=sold.auxiliary_label,
        debit=max(-amount, ZERO),
        credit=max(amount, ZERO),
        # As old as what it pays.
        due_date=sold.due_date,
    )
    return bank, customer


def _letter(pieces: Sequence[str]) -> None:
    """Match the customers' lines of pieces that are paid, as of their last day."""
    same = LedgerEntry.objects.filter(piece=OuterRef("piece"), account=CUSTOMERS.number)
    last = Subquery(same.order_by("-date").values("date")[:1])
    _of_customers(pieces).filter(letter="").update(letter=F("piece"), lettered_on=last)


def _of_customers(pieces: Sequence[str]) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(piece__in=pieces, account=CUSTOMERS.number)
