"""A clock that a file may step: SQLite's and Django's, in every process of a stack.

Leases live by the database's time, which with SQLite is each process's own. What is monotonic stays
as it is, as it does when an operator sets a machine's clock. PostgreSQL's clock is left alone.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.backends.signals import connection_created
from django.utils import timezone

_real_now = timezone.now


def offset() -> timedelta:
    """Give how far the clock is off."""
    file = Path(os.environ["KILL_OUTSIDE"]) / "clock"
    return timedelta(seconds=float(file.read_text() or 0) if file.exists() else 0)


def install() -> None:
    """Let SQLite and Django ask our clock."""
    connection_created.connect(_on_connection, dispatch_uid="kill.clock")
    timezone.now = lambda: _real_now() + offset()


def _on_connection(sender: object, connection: Any, **_: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function("STRFTIME", 2, _strftime)


def _strftime(form: str, when: str) -> str:
    assert (form, when) == ("%Y-%m-%d %H:%M:%f", "NOW"), (form, when)
    return (datetime.now(UTC) + offset()).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
