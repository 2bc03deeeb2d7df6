"""Clocks that can be set without anybody else on this machine noticing.

The machines' clock is every process's own: see tests/kill/app/clock.py. With SQLite, it is the
database's too. PostgreSQL gets functions of its own by the names that Django and others ask for the
time by; they come before the built-in ones for whoever connects to this database.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

AHEAD = """
CREATE TABLE public.kill_clock (ahead interval NOT NULL);
INSERT INTO public.kill_clock VALUES ('0 s');
"""
#: For each function that tells the time.
FUNCTION = """
CREATE FUNCTION public.{name}() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT pg_catalog.{name}() + ahead FROM public.kill_clock $$;
"""
#: What is built in is found first, unless it is said otherwise.
FIRST = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());
END $$;
"""
NAMES = ("statement_timestamp", "transaction_timestamp", "clock_timestamp", "now")


class Clocks:
    """The clocks of one house."""

    def __init__(self, outside: Path, database_url: str) -> None:
        self._file = outside / "clock"
        self._database_url = database_url

    def install(self) -> None:
        """Put a clock into the database that can be set; SQLite has none of its own."""
        if self._database_url:
            self._execute(AHEAD + "".join(FUNCTION.format(name=name) for name in NAMES) + FIRST)

    def set_machines(self, seconds: float) -> None:
        """Let every process's clock be so far off; on SQLite the database's with them."""
        new = self._file.with_name(".clock")
        new.write_text(str(seconds))
        new.rename(self._file)

    def set_database(self, seconds: float) -> None:
        """Let PostgreSQL's clock be so far off."""
        self._execute(f"UPDATE public.kill_clock SET ahead = interval '{seconds} s'")

    def _execute(self, sql: str) -> None:
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            connection.execute(sql)
