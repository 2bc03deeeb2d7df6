"""The accounts that sales and their payments are booked on (French chart of accounts).

The labels are French in every language: the ledger is a legal document.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

#: Codes of the journals.
SALES_JOURNAL = "VE"
BANK_JOURNAL = "BQ"
JOURNALS = {SALES_JOURNAL: "Journal des ventes", BANK_JOURNAL: "Journal de banque"}


@dataclass(frozen=True)
class Account:
    """An account of the ledger."""

    number: str
    label: str


CUSTOMERS = Account("411000", "Clients")
SALES = Account("706000", "Prestations de services")
BANK = Account("512000", "Banque")
#: Accounts of collected VAT begin with it; the rate in tenths of a percent follows.
VAT = "44571"


def vat_account(rate: Decimal) -> Account:
    """Give the account of the VAT collected at a rate in percent."""
    percent = f"{rate.normalize():f}".replace(".", ",")
    return Account(f"{VAT}{int(rate * 10):03d}", f"TVA collectée {percent} %")
