"""A database that several threads of a test may use at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connection, connections


@contextmanager
def shared_by_threads(folder: Path) -> Iterator[None]:
    """Let threads see the tests' database: a SQLite in memory is copied to a file, as in real life.

    In memory its connections share a cache, with locks of their own that nobody waits for.
    """
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    in_memory, name = connection.connection, connection.settings_dict["NAME"]
    path = folder / "shared.sqlite3"
    with closing(sqlite3.connect(path)) as file:
        in_memory.backup(file)
    # All threads' connections read the same settings.
    connections.databases["default"]["NAME"] = str(path)
    connection.connection = None
    try:
        yield
    finally:
        connections.close_all()
        connections.databases["default"]["NAME"] = name
        connection.connection = in_memory
