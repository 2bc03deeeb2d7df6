"""What every file format can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

from django.utils.functional import Promise

from apps.reports.document import Chunk, Document, Table

#: Gives a table's rows, and on the way counts and adds them up, and looks up whether to stop.
Read = Callable[[Table], Iterator[Chunk]]
#: Called now and then while nothing is read; raises when the job is to stop.
LookUp = Callable[[], None]


class Format(ABC):
    """A file format that reports can be written in."""

    name: str
    label: Promise | str
    extension: str
    content_type: str
    #: For the estimate; measured with the ledger's entries.
    bytes_a_row: int
    #: What a file takes with hardly any rows.
    least_bytes: int = 300
    #: What it takes on the disk while it is written.
    working_bytes_a_row: int
    #: Whether it has room for more than the first table.
    has_details: bool = False
    #: More rows than this are refused; None for no limit.
    most_rows: int | None = None

    @abstractmethod
    def write(self, path: Path, document: Document, read: Read, look_up: LookUp) -> None:
        """Write the document as a new file; files beside it may be used and left behind."""

    def tables(self, document: Document) -> tuple[Table, ...]:
        """Choose the tables that will be read."""
        return document.tables if self.has_details else document.tables[:1]

    def file_name(self, document: Document) -> str:
        """Name the file as people get it."""
        period = document.period
        days = [day.isoformat() for day in (period.first, period.last) if day is not None]
        return f"{'_'.join([document.slug, *days])}.{self.extension}"
