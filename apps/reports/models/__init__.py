"""The ledger and the reports."""

from __future__ import annotations

from .entry import LedgerEntry, LedgerEntryQuerySet, PieceKind
from .ledger import Ledger
from .report import Report, ReportQuerySet

__all__ = [
    "Ledger",
    "LedgerEntry",
    "LedgerEntryQuerySet",
    "PieceKind",
    "Report",
    "ReportQuerySet",
]
