"""What can go wrong with the ledger and its reports."""

from __future__ import annotations

from decimal import Decimal


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
