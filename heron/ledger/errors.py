"""What can go wrong between the invoices and the ledger."""

from __future__ import annotations

from apps.invoices.errors import InvoicesError


class ForeignCurrencyError(InvoicesError):
    """Raised when an invoice is validated that the ledger can't hold. It stays a draft."""

    def __init__(self, number: str, currency: str) -> None:
        self.number = number
        self.currency = currency
        super().__init__(
            f"{number} is in {currency}, and the ledger is kept in EUR. Invoice it in EUR."
        )
