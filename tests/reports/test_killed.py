"""A worker is killed while it writes; another one offers one right file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from tests.workers.cluster import Cluster, running_cluster
from tests.workers.waiting import eventually

pytestmark = pytest.mark.integration

PIECES = 5_000
ASK = f"""
import json
from datetime import date
from django.contrib.auth.models import User
from apps.reports.asking import ask
from apps.reports.periods import Period
from tests.support import ledger

ledger.fill({PIECES})
user = User.objects.create_user("alice")
report = ask(user, "entries", "xlsx", Period(first=date(2026, 1, 1), last=date(2026, 12, 31)))
print(json.dumps([report.job_id, report.pk]))
"""
TOLD = """
import json
from apps.reports.models import Report

report = Report.objects.get(pk={pk})
print(json.dumps([report.stored_name, report.rows, dict(report.control_totals)]))
"""
QUEUE = ("--queues", "reports")


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    on_postgres = "HERON_TEST_DATABASE_URL" in os.environ
    url = request.getfixturevalue("postgres_url") if on_postgres else ""
    with running_cluster(url) as made:
        yield made


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_one_who_takes_up_a_report_begins_anew(cluster: Cluster) -> None:
    cluster.scheduler()
    job_id, pk = json.loads(cluster.run(ASK))
    worker = cluster.worker("first", arguments=QUEUE)
    eventually(lambda: cluster.job(job_id)["processed_items"])
    cluster.kill(worker)
    killed = cluster.job(job_id)
    folder = cluster.var / "reports"
    assert 0 < killed["processed_items"] < 3 * PIECES
    (left_behind,) = files(folder)

    cluster.worker("second", arguments=QUEUE)
    eventually(lambda: cluster.job(job_id)["status"] == "completed")

    row = cluster.job(job_id)
    stored_name, rows, totals = json.loads(cluster.run(TOLD.format(pk=pk)))
    assert (row["processed_items"], row["total_items"], rows) == (3 * PIECES,) * 3
    assert row["epoch"] == killed["epoch"] + 1
    assert files(folder) == [stored_name] != [left_behind]
    sheet = CalamineWorkbook.from_path(str(folder / stored_name)).get_sheet_by_index(1)
    head, *lines = sheet.to_python()
    assert len(lines) == rows
    for name, cents in totals.items():
        column = [line[head.index(name)] for line in lines]
        assert sum(round(float(str(value)) * 100) for value in column) == cents
