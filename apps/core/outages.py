"""Tell a database that is away or full from a statement that is wrong.

What fails for the first reason is nobody's fault: it is worth doing again, as it was.
"""

from __future__ import annotations

import sqlite3

from django.db import InterfaceError, OperationalError

#: SQLite's word for a statement that is wrong; its other operational errors are about the file:
#: locked, full, read-only, gone.
SQLITE_ERROR = 1
#: PostgreSQL's classes for a lost connection, no room, a shutdown or restart, the system
#: underneath, and a transaction that gave way to another. Not time-outs: those come again.
POSTGRESQL_OUTAGES = ("08", "53", "57P", "58", "40")


def is_outage(error: BaseException) -> bool:
    """Tell whether the database, and not what was asked of it, is the reason for `error`."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        return code is not None and code & 0xFF != SQLITE_ERROR
    state = getattr(cause, "sqlstate", None)
    # Without a state the server did not even answer.
    return state is None or state.startswith(POSTGRESQL_OUTAGES)
