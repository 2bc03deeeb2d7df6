"""What a report consists of, whatever file it becomes: tables of typed columns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from itertools import islice
from typing import Any

from apps.reports.periods import Period

Row = tuple[Any, ...]
Chunk = Sequence[Row]

#: Rows handed over at a time; between two chunks a job looks up whether somebody cancelled it.
CHUNK = 1000


class Cell(Enum):
    """What a column holds."""

    TEXT = auto()
    #: A `date`, or None.
    DATE = auto()
    #: An amount in cents, as an `int`: sums are exact on every database.
    CENTS = auto()
    #: A count.
    NUMBER = auto()
    #: A VAT rate in percent, as a `Decimal`, or None.
    RATE = auto()


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table."""

    label: str
    cell: Cell = Cell.TEXT
    #: In characters.
    width: int = 12


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows to be read once, and what they must come to."""

    name: str
    columns: tuple[Column, ...]
    #: Reads the rows, in chunks.
    chunks: Callable[[], Iterator[Chunk]]
    #: How many rows there are, as the database counts them.
    count: int
    #: Index of a column → the sum of its cents, as the database adds them up.
    sums: Mapping[int, int] = field(default_factory=dict)
    #: Index of the date by whose months a printed table is summed up; None for none.
    months_by: int | None = None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Bars to be printed above the first table; several series are stacked."""

    title: str
    categories: tuple[str, ...]
    #: Name of a series → its values in cents, one a category.
    series: Mapping[str, Sequence[int]]
    #: For categories with long names.
    lies: bool = False


@dataclass(frozen=True, kw_only=True)
class Document:
    """A report as it is to be written."""

    title: str
    #: The title as a part of a file's name.
    slug: str
    period: Period
    #: Whose books: name and SIREN.
    company: str
    siren: str
    #: What was asked for and what came of it, as pairs of words.
    facts: tuple[tuple[str, str], ...]
    #: The first one is the report; the others, its details, are for formats that have room.
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...] = ()
    #: When the ledger was as the report shows it; None while it is only planned.
    snapshot_at: datetime | None = None

    @property
    def count(self) -> int:
        """The rows of the report itself."""
        return self.tables[0].count


def chunked(rows: Iterable[Row], size: int = CHUNK) -> Iterator[Chunk]:
    """Cut rows into lists of `size`; the last one may be shorter."""
    left = iter(rows)
    while chunk := list(islice(left, size)):
        yield chunk
