"""Every write to a job's row, as the database saw it: nothing that went by can be hidden."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

FIELDS = ("status", "seq", "epoch")

TABLE = """CREATE TABLE job_history (
    old_status varchar(10), new_status varchar(10),
    old_seq bigint, new_seq bigint, old_epoch integer, new_epoch integer
)"""
VALUES = ", ".join(f"{version}.{name}" for name in FIELDS for version in ("OLD", "NEW"))
INSERT = f"INSERT INTO job_history VALUES ({VALUES});"
TRIGGER = {
    "sqlite": [
        f"""CREATE TRIGGER job_history AFTER UPDATE ON core_sseprogress
        BEGIN {INSERT} END"""
    ],
    "postgresql": [
        f"""CREATE FUNCTION job_history() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN {INSERT} RETURN NULL; END $$""",
        """CREATE TRIGGER job_history AFTER UPDATE ON core_sseprogress
        FOR EACH ROW EXECUTE FUNCTION job_history()""",
    ],
}
DROP = {
    "sqlite": ["DROP TRIGGER job_history", "DROP TABLE job_history"],
    "postgresql": ["DROP FUNCTION job_history CASCADE", "DROP TABLE job_history"],
}


@dataclass(frozen=True)
class Change:
    """One write, before and after."""

    old_status: str
    new_status: str
    old_seq: int
    new_seq: int
    old_epoch: int
    new_epoch: int


class History:
    """The writes since the last time somebody asked."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        #: Whether somebody is just starting a job again that was over.
        self.may_leave_the_end = False

    def read(self) -> list[Change]:
        """Give the writes, and forget them."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT * FROM job_history")
            changes = [Change(*row) for row in cursor.fetchall()]
            cursor.execute("DELETE FROM job_history")
        return changes

    def forget(self) -> None:
        """Begin anew."""
        self.may_leave_the_end = False
        self.read()


@contextmanager
def recording(connection: Any) -> Iterator[History]:
    """Let the database write down what happens to jobs."""
    with connection.cursor() as cursor:
        for statement in (TABLE, *TRIGGER[connection.vendor]):
            cursor.execute(statement)
    try:
        yield History(connection)
    finally:
        with connection.cursor() as cursor:
            for statement in DROP[connection.vendor]:
                cursor.execute(statement)
