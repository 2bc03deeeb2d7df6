"""Looking into a house's database behind everybody's back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg


class Insight:
    """Reads a house's database: PostgreSQL at its address, or the file in its var directory."""

    var: Path
    database_url: str

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Read the database behind everybody's back."""
        if self.database_url:
            with psycopg.connect(self.database_url, row_factory=psycopg.rows.dict_row) as pg:
                return pg.execute(sql.replace("?", "%s"), parameters).fetchall()
        file = self.var / "heron.sqlite3"
        with closing(sqlite3.connect(file, timeout=20)) as lite:
            lite.row_factory = sqlite3.Row
            return [dict(row) for row in lite.execute(sql, parameters)]

    def job(self, job_id: str) -> dict[str, Any]:
        """Read a job's row."""
        (row,) = self.rows("SELECT * FROM core_sseprogress WHERE job_id = ?", job_id)
        return row

    def status(self, job_id: str) -> str:
        """Read where a job stands."""
        return str(self.job(job_id)["status"])

    def processed(self, job_id: str) -> int:
        """Read how many items a job has counted."""
        return int(self.job(job_id)["processed_items"])
