"""Celery with Redis and its own defaults."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator"

from __future__ import annotations

import os

from celery import Celery

from tests.bench.peers.diary import note

app = Celery("bench", broker=os.environ["BENCH_BROKER"])
app.conf.task_ignore_result = True


@app.task
def mark(text: str) -> None:
    """Say that this was reached."""
    note(text)
