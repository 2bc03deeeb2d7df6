"""What can go wrong with the ledger and its reports."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.reports.fec_checks import Fault


class ReportsError(Exception):
    """Base of the errors of this room."""


class ImmutableEntryError(ReportsError):
    """Raised when something would change or delete a line of the ledger."""

    def __init__(self, piece: str) -> None:
        self.piece = piece
        super().__init__(
            f"The ledger's entry for {piece} is validated. Correct it with an entry of its own."
        )


class UnbalancedSaleError(ReportsError):
    """Raised when a sale's rates do not add up to its total."""

    def __init__(self, number: str, total: Decimal, rates: Decimal) -> None:
        self.number = number
        self.total = total
        self.rates = rates
        super().__init__(f"{number}: the total is {total}, its VAT rates add up to {rates}.")


class NoLedgerError(ReportsError):
    """Raised when nothing was ever posted, so that nobody knows whose books these are."""

    def __init__(self) -> None:
        super().__init__("The ledger is empty. Validate an invoice, or run: manage.py post_ledger")


class ControlTotalsError(ReportsError):
    """Raised when what was written does not come to what the database says; both in cents."""

    def __init__(self, what: str, expected: int, found: int) -> None:
        self.what = what
        self.expected = expected
        self.found = found
        super().__init__(f"{what}: {expected} expected, {found} found.")


class FecRefusedError(ReportsError):
    """Raised when entries do not pass the checks of the FEC; the first `faults` of `count`."""

    def __init__(self, faults: list[Fault], count: int) -> None:
        self.faults = faults
        self.count = count
        super().__init__(f"{count} faults, such as {faults[0].code} in {faults[0].entry}.")
