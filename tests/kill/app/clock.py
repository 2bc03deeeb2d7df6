"""The clock of a machine, set by a file: Python's in this process, and with it SQLite's.

Leases live by the database's time, which with SQLite is each process's own. What is monotonic stays
as it is, as it does when an operator sets a machine's clock.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from django.db.backends.signals import connection_created

#: How often the file is looked at.
LOOK_S = 0.02


def install() -> None:
    """Follow the file from now on, in a thread."""
    connection_created.connect(_on_connection, dispatch_uid="kill.clock")
    threading.Thread(target=_follow, name="kill-clock", daemon=True).start()


def _follow() -> None:
    began = time.time() - time.monotonic()
    clock, ahead = None, 0.0
    while True:
        wanted = _wanted()
        if wanted != ahead and clock is None:
            moment = datetime.fromtimestamp(began + time.monotonic() + wanted, UTC)
            clock = time_machine.travel(moment, tick=True).start()
        elif wanted != ahead and clock is not None:
            clock.shift(timedelta(seconds=wanted - ahead))
        ahead = wanted
        time.sleep(LOOK_S)


def _wanted() -> float:
    with suppress(FileNotFoundError):
        return float((Path(os.environ["KILL_OUTSIDE"]) / "clock").read_text())
    return 0.0


def _on_connection(sender: object, connection: Any, **_: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function("STRFTIME", 2, _strftime)


def _strftime(form: str, when: str) -> str:
    assert (form, when) == ("%Y-%m-%d %H:%M:%f", "NOW"), (form, when)
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
