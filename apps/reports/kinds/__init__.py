"""The kinds of reports there are."""

from __future__ import annotations

from .aged import AgedReceivables
from .base import Asks, Kind
from .entries import Entries
from .fec import Fec
from .sales_journal import SalesJournal
from .vat_summary import VatSummary

#: By name, in the order of the page.
KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (SalesJournal(), AgedReceivables(), VatSummary(), Fec(), Entries())
}

__all__ = ["KINDS", "Asks", "Kind"]
