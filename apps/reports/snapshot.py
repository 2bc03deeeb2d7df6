"""One view of the ledger for the whole length of a report, however long it takes to write.

On a connection of its own: the job's progress is written and committed meanwhile on the usual one.
PostgreSQL gives a REPEATABLE READ, READ ONLY transaction. SQLite (WAL) shows a reader what was
there when its transaction began to read, and lets others write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.reports.models import Ledger

ALIAS = "reports_snapshot"


@contextmanager
def snapshot() -> Iterator[str]:
    """Give the alias of a database to read from (`.using(alias)`), which does not change.

    Inside a transaction it is that transaction's own view: the caller reads what it has written.
    """
    if connections[DEFAULT_DB_ALIAS].in_atomic_block:
        yield DEFAULT_DB_ALIAS
        return
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    connection.alias = ALIAS
    # Of this thread only; `connections` looks there first.
    connections[ALIAS] = connection
    try:
        _begin(connection)
        # Neither database takes its snapshot before the first read.
        Ledger.objects.using(ALIAS).exists()
        yield ALIAS
    finally:
        del connections[ALIAS]
        connection.close()


def _begin(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor == "postgresql":
        connection.set_autocommit(False)
        begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
    else:
        # Not atomic(): that would begin IMMEDIATE, which is for writers.
        begin = "BEGIN"
    with connection.cursor() as cursor:
        cursor.execute(begin)
