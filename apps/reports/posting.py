"""Writing sales into the ledger: each once, numbered without gaps, with what is validated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from apps.reports.accounts import SALES_JOURNAL
from apps.reports.models import Ledger, LedgerEntry
from apps.reports.models.ledger import ONLY
from apps.reports.sales import Line, Sale, entry_of

#: Pieces named in one statement.
BATCH = 500


def post(sales: Sequence[Sale], *, siren: str, name: str) -> int:
    """Write the sales that the ledger does not have yet; return how many those were.

    In the caller's transaction, if there is one: a sale is posted together with what made it.
    `siren` and `name` say whose books these are.
    """
    with transaction.atomic():
        lock(siren, name)
        known = _known([sale.number for sale in sales])
        missing = [sale for sale in sales if sale.number not in known]
        numbers = last_numbers(SALES_JOURNAL, {sale.issued_on.year for sale in missing})
        today = timezone.localdate()
        lines: list[Line] = []
        posted = 0
        for sale in missing:
            year = sale.issued_on.year
            entry = entry_of(sale, number=numbers.get(year, 0) + 1, validated_on=today)
            if entry:
                numbers[year] = entry[0].number
                lines += entry
                posted += 1
        write(lines)
    return posted


def write(lines: Sequence[Line]) -> None:
    """Insert lines with one prepared statement: bulk_create takes six times as long.

    What must hold of them, the table's own constraints see to.
    """
    if not lines:
        return
    quote = connection.ops.quote_name
    columns = [str(LedgerEntry._meta.get_field(name).column) for name in Line._fields]  # type: ignore[union-attr]
    names, marks = ", ".join(map(quote, columns)), ", ".join(["%s"] * len(columns))
    table = quote(LedgerEntry._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 (names of our own)
            lines,
        )


def lock(siren: str, name: str) -> None:
    """Let one write at a time: the numbers follow each other.

    (SQLite ignores `select_for_update`; there the transaction itself, begun IMMEDIATE, is the
    lock.)
    """
    Ledger.objects.get_or_create(pk=ONLY, defaults={"siren": siren, "name": name})
    ledger = Ledger.objects.select_for_update().get(pk=ONLY)
    if (ledger.siren, ledger.name) != (siren, name):
        ledger.siren, ledger.name = siren, name
        ledger.save()


def _known(pieces: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in batches(pieces):
        # The journal is compared here: asked for it too, SQLite reads the whole journal instead.
        lines = LedgerEntry.objects.filter(piece__in=some).values_list("piece", "journal")
        found.update(piece for piece, journal in lines if journal == SALES_JOURNAL)
    return found


def batches(pieces: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut a list of pieces so that a statement can name them."""
    for start in range(0, len(pieces), BATCH):
        yield pieces[start : start + BATCH]


def last_numbers(journal: str, years: set[int]) -> dict[int, int]:
    """Find the last entry's number in each year that has one."""
    last = LedgerEntry.objects.filter(journal=journal, year__in=years).order_by()
    return dict(last.values_list("year").annotate(Max("number")))
