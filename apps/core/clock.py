"""The database's clock: several machines' clocks differ, the database has one."""

from __future__ import annotations

from typing import Any

from django.db.models import DateTimeField, Expression
from django.db.models.functions import Now


class FromNow(Expression):
    """So many seconds from now, or before now.

    `Now() + timedelta(…)` would have SQLite call Python for the sum: while a statement holds the
    file it would wait for Python's lock, and all who write would wait for it.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(output_field=DateTimeField())
        self.seconds = seconds

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Add an interval, as standard SQL does."""
        now, params = compiler.compile(Now())
        return f"({now} + {self.seconds:.6f} * INTERVAL '1 second')", tuple(params)

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Write the time as Django's own `Now` does there: to the millisecond."""
        return f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '{self.seconds:+.3f} seconds')", ()
