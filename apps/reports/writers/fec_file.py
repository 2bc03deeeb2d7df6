"""The FEC's text file: 18 columns, tabs, decimal commas, dates without dashes, UTF-8.

Columns, order and file name: article A. 47 A-1, VII and VIII, of the tax procedures code (LPF).
"""

from __future__ import annotations

from itertools import repeat
from pathlib import Path
from typing import Any

from apps.reports.accounts import JOURNALS
from apps.reports.cents import plain
from apps.reports.document import Chunk, Document
from apps.reports.fec_checks import FecChecks

from .base import Format, LookUp, Read
from .memo import Memo

COLUMNS = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
)
END = "\r\n"


def entry_number(journal: str, year: int, number: int) -> str:
    """Write an entry's number as the file and its checks name it."""
    return f"{journal}{year}-{number:06d}"


class FecFile(Format):
    """The file, written and checked in one go; with a fault in it, it is no file."""

    name = "fec"
    label = "FEC (.txt)"
    extension = "txt"
    content_type = "text/plain; charset=utf-8"
    bytes_a_row = 190
    working_bytes_a_row = 190

    def write(self, path: Path, document: Document, read: Read, look_up: LookUp) -> None:
        """Write head and lines.

        Raises:
            FecRefusedError: the entries do not pass the checks.
        """
        checks = FecChecks(document.period)
        days, amounts = Memo(_day), Memo(plain)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write("\t".join(COLUMNS) + END)
            for chunk in read(document.tables[0]):
                checks.look_at(chunk)
                file.writelines(_lines(chunk, days, amounts))
        checks.finish()

    def file_name(self, document: Document) -> str:
        """Name the file as the law does: SIREN, FEC, closing date."""
        return f"{document.siren}FEC{document.period.last:%Y%m%d}.txt"


def _day(value: Any) -> str:
    return "" if value is None else f"{value:%Y%m%d}"


def _lines(chunk: Chunk, days: Memo, amounts: Memo) -> Any:
    """Turn lines of the ledger into lines of the file, column by column."""
    (
        journals,
        years,
        numbers,
        dates,
        accounts,
        account_labels,
        auxiliaries,
        auxiliary_labels,
        pieces,
        labels,
        debits,
        credits,
        letters,
        lettered,
        validated,
    ) = zip(*chunk, strict=True)
    written = list(map(days.__getitem__, dates))
    columns = zip(
        journals,
        (JOURNALS.get(journal, journal) for journal in journals),
        map(entry_number, journals, years, numbers),
        written,
        accounts,
        account_labels,
        auxiliaries,
        auxiliary_labels,
        pieces,
        # The piece is dated as its entry is.
        written,
        labels,
        map(amounts.__getitem__, debits),
        map(amounts.__getitem__, credits),
        letters,
        map(days.__getitem__, lettered),
        map(days.__getitem__, validated),
        repeat("", len(chunk)),
        repeat(END, len(chunk)),
        strict=True,
    )
    return map("\t".join, columns)
