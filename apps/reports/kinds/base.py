"""What every kind of report can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from typing import Any

from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.reports.document import CHUNK, Chart, Chunk, Document, Row, Table, chunked
from apps.reports.models import Ledger, LedgerEntryQuerySet
from apps.reports.periods import Period


class Asks(Enum):
    """What time a kind of report asks for."""

    PERIOD = auto()
    DAY = auto()
    #: A calendar year.
    YEAR = auto()


class Kind(ABC):
    """One kind of report, computed from the ledger's entries alone."""

    name: str
    #: The msgid of `label`, for the job.
    title: str
    label: Promise
    #: One sentence for the page.
    about: Promise
    asks: Asks = Asks.PERIOD
    #: Names of formats, the usual one first.
    formats: tuple[str, ...]

    @abstractmethod
    def count(self, entries: LedgerEntryQuerySet, period: Period) -> int:
        """Count the rows that the report itself would have."""

    def count_details(self, entries: LedgerEntryQuerySet, period: Period) -> int:
        """Count the rows that come on top where a format has room for details."""
        return 0

    @abstractmethod
    def document(self, entries: LedgerEntryQuerySet, period: Period, ledger: Ledger) -> Document:
        """Lay the report out in the active language; its rows are read later."""

    def lay_out(
        self,
        period: Period,
        ledger: Ledger,
        tables: tuple[Table, ...],
        *,
        charts: tuple[Chart, ...] = (),
        facts: tuple[tuple[str, str], ...] = (),
    ) -> Document:
        """Put a document together, with what every report says about itself."""
        return Document(
            title=str(self.label),
            slug=slugify(str(self.label)),
            period=period,
            company=ledger.name,
            siren=ledger.siren,
            facts=(
                (_("Report"), str(self.label)),
                (_("Company"), f"{ledger.name} (SIREN {ledger.siren})"),
                (_("Date") if period.first is None else _("Period"), str(period)),
                *facts,
            ),
            tables=tables,
            charts=charts,
        )


def lazily(rows: Callable[[], Any]) -> Callable[[], Iterator[Chunk]]:
    """Read a queryset in chunks, when the time has come."""
    return lambda: chunked(rows().iterator(chunk_size=CHUNK))


def at_hand(rows: Iterable[Row]) -> Callable[[], Iterator[Chunk]]:
    """Give a few rows that are there already."""
    return lambda: chunked(rows)


def within(entries: LedgerEntryQuerySet, period: Period) -> LedgerEntryQuerySet:
    """Keep the lines of a period."""
    if period.first is not None:
        entries = entries.filter(date__gte=period.first)
    return entries.filter(date__lte=period.last)
