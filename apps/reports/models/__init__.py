"""The ledger and the reports."""

from __future__ import annotations

from .entry import LedgerEntry, LedgerEntryQuerySet, PieceKind
from .ledger import Ledger

__all__ = ["Ledger", "LedgerEntry", "LedgerEntryQuerySet", "PieceKind"]
