"""A report's file is right, or there is none."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.core.models import SSEProgress
from apps.core.retention import remove_artefacts
from apps.core.runner import run
from apps.core.signals import job_pruned
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker
from apps.core.verbs import cancel, retry
from apps.reports import building, document, store
from apps.reports.actors import build_report
from apps.reports.asking import estimate
from apps.reports.control import controlled
from apps.reports.kinds import KINDS
from apps.reports.models import LedgerEntry, Report
from apps.reports.writers import FORMATS
from tests.reports.factories import (
    YEAR,
    a_busy_spring,
    ask_for,
    build,
    made,
    make_sale,
    post_sales,
    text_of,
)

pytestmark = pytest.mark.django_db

EVERY = [(kind.name, fmt) for kind in KINDS.values() for fmt in kind.formats]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the attempt's own code runs after it."""


@pytest.fixture(autouse=True)
def reports_dir(tmp_path: Path, settings: Any) -> Path:
    settings.HERON_REPORTS_DIR = tmp_path / "reports"
    return tmp_path / "reports"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look up often, so that a few rows are enough to be interrupted between."""
    monkeypatch.setattr(document.chunked, "__defaults__", (10,))


@pytest.fixture(autouse=True)
def every_write(settings: Any) -> None:
    """See at once what somebody has asked for."""
    settings.PROGRESS_FLUSH_SECONDS = 0


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def job_of(report: Report) -> SSEProgress:
    assert report.job is not None
    return SSEProgress.objects.get(pk=report.job.pk)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen when some rows are written and others are not."""

    def install(act: Callable[[], object]) -> None:
        honest, calls = ProgressTracker.advance, iter(range(1_000_000))

        def advance(self: ProgressTracker, n: int = 1) -> None:
            if next(calls) == 2:
                act()
            honest(self, n)

        monkeypatch.setattr(ProgressTracker, "advance", advance)

    return install


@pytest.mark.parametrize(("kind", "fmt"), EVERY)
def test_every_report_is_made(kind: str, fmt: str, reports_dir: Path) -> None:
    a_busy_spring()

    report = made(kind, fmt)

    path = store.path_of(report.stored_name)
    assert files(reports_dir) == [report.stored_name]
    assert report.size == path.stat().st_size
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert report.rows == KINDS[kind].count(LedgerEntry.objects.all(), report.asked)
    assert path.stat().st_mode & 0o077 == 0 or reports_dir.stat().st_mode & 0o077 == 0
    job = job_of(report)
    assert (job.books.left, job.books.done) == (0, job.total_items)
    assert job.result["links"][0]["href"] == report.get_absolute_url()


@pytest.mark.parametrize(("kind", "fmt"), EVERY)
def test_the_estimate_is_about_right(kind: str, fmt: str) -> None:
    a_busy_spring(customers=20)
    report = made(kind, fmt)

    guess = estimate(kind, fmt, report.asked)

    assert (guess.rows, guess.refusal) == (report.rows, "")
    assert report.size is not None
    assert report.size / 3 < guess.bytes < report.size * 3


@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_a_wrong_sum_keeps_the_file_back(
    fmt: str, monkeypatch: pytest.MonkeyPatch, reports_dir: Path
) -> None:
    a_busy_spring()
    monkeypatch.setattr(
        building,
        "controlled",
        _off_by_one(controlled),  # a reader that errs
    )

    report = build(ask_for("entries", fmt))

    job = job_of(report)
    assert (job.status, job.error["code"]) == (Status.FAILED, "control-totals")
    assert job.error["params"]["expected"] != job.error["params"]["found"]
    assert (files(reports_dir), report.stored_name) == ([], "")


def _off_by_one(honest: Any) -> Any:
    def read(table: Any, progress: ProgressTracker) -> Iterator[Any]:
        def chunks() -> Iterator[Any]:
            for chunk in table.chunks():
                yield [(*row[:9], row[9] + 1, *row[10:]) for row in chunk]

        from dataclasses import replace

        yield from honest(replace(table, chunks=chunks), progress)

    return read


def test_a_row_too_few_keeps_the_file_back(monkeypatch: pytest.MonkeyPatch) -> None:
    a_busy_spring()
    honest = document.chunked
    monkeypatch.setattr(
        "apps.reports.kinds.base.chunked", lambda rows: (c[1:] for c in honest(rows))
    )

    assert job_of(build(ask_for())).error["code"] == "control-totals"


@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_a_cancelled_report_has_no_file(
    fmt: str, meanwhile: Callable[[Callable[[], object]], None], reports_dir: Path
) -> None:
    a_busy_spring()
    report = ask_for("entries", fmt)
    meanwhile(lambda: cancel(job_of(report)))

    report = build(report)

    job = job_of(report)
    assert job.status == Status.CANCELLED
    assert 0 < job.processed_items < LedgerEntry.objects.count()
    assert (files(reports_dir), report.stored_name) == ([], "")


@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_an_attempt_after_a_killed_one_offers_one_right_file(
    fmt: str,
    meanwhile: Callable[[Callable[[], object]], None],
    monkeypatch: pytest.MonkeyPatch,
    reports_dir: Path,
) -> None:
    a_busy_spring()
    whole = made("entries", fmt)
    report = ask_for("entries", fmt)

    def die() -> None:
        # The dead clean nothing up.
        monkeypatch.setattr(shutil, "rmtree", lambda *_args, **_kwargs: None)
        raise Killed

    meanwhile(die)
    with pytest.raises(Killed):
        build(report)
    assert len(files(reports_dir)) == 2
    monkeypatch.undo()
    with_settings_again(reports_dir, monkeypatch)

    report = build(report)

    assert job_of(report).status == Status.COMPLETED
    assert sorted(files(reports_dir)) == sorted([whole.stored_name, report.stored_name])
    assert (report.rows, report.control_totals) == (whole.rows, whole.control_totals)
    if fmt == "csv":
        assert report.sha256 == whole.sha256


def with_settings_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "HERON_REPORTS_DIR", folder)


def test_an_attempt_that_lost_its_job_offers_nothing(
    meanwhile: Callable[[Callable[[], object]], None], reports_dir: Path
) -> None:
    a_busy_spring()
    report = ask_for()
    epochs = SSEProgress.objects.filter(pk=job_of(report).pk)
    meanwhile(lambda: epochs.update(epoch=99))

    report = build(report)

    assert job_of(report).status == Status.RUNNING  # somebody else's now
    assert (files(reports_dir), report.stored_name) == ([], "")


def test_a_full_disk_is_said_in_words(monkeypatch: pytest.MonkeyPatch, reports_dir: Path) -> None:
    """The system's own answer: what is written to /dev/full has no room."""
    a_busy_spring()
    for fmt in ("csv", "xlsx", "fec"):
        kind = "fec" if fmt == "fec" else "entries"
        report = ask_for(kind, fmt)
        honest = FORMATS[fmt].write

        def write(path: Path, *rest: Any, honest: Any = honest) -> None:
            path.symlink_to("/dev/full")
            honest(path, *rest)

        monkeypatch.setattr(FORMATS[fmt], "write", write)

        report = build(report)

        job = job_of(report)
        assert (job.status, job.error["code"]) == (Status.FAILED, "no-space")
        assert job.error["params"]["needed"]
        assert (files(reports_dir), report.stored_name) == ([], "")


def test_a_report_that_can_not_fit_is_not_begun(
    monkeypatch: pytest.MonkeyPatch, reports_dir: Path
) -> None:
    a_busy_spring()
    monkeypatch.setattr(store, "free_bytes", lambda: 1000)

    job = job_of(build(ask_for("entries", "xlsx")))

    assert (job.status, job.error["code"], job.processed_items) == (Status.FAILED, "no-space", 0)
    assert (
        "Not enough space" in estimate("entries", "xlsx", YEAR).refusal
        or estimate("entries", "xlsx", YEAR).refusal
    )


def test_a_pdf_of_too_many_rows_is_not_begun(
    monkeypatch: pytest.MonkeyPatch, reports_dir: Path
) -> None:
    a_busy_spring()
    monkeypatch.setattr(FORMATS["pdf"], "most_rows", 30)

    job = job_of(build(ask_for("sales-journal", "pdf")))

    assert (job.status, job.error["code"], job.processed_items) == (
        Status.FAILED,
        "too-many-rows",
        0,
    )
    assert estimate("sales-journal", "pdf", YEAR).refusal
    assert files(reports_dir) == []


def test_a_failed_report_can_be_tried_again(
    monkeypatch: pytest.MonkeyPatch, reports_dir: Path
) -> None:
    a_busy_spring()
    with monkeypatch.context() as broken:
        broken.setattr(building, "controlled", _off_by_one(controlled))
        report = build(ask_for())
    retry(job_of(report))

    report = build(report)

    assert job_of(report).status == Status.COMPLETED
    assert files(reports_dir) == [report.stored_name]


def test_a_new_attempt_replaces_the_file_of_an_earlier_one(reports_dir: Path) -> None:
    """The worker died between offering the file and ending the job."""
    a_busy_spring()
    report = made()
    first = report.stored_name
    SSEProgress.objects.filter(pk=job_of(report).pk).update(status=Status.PENDING)
    post_sales(make_sale())

    run(job_of(report).job_id, build_report.fn)

    report.refresh_from_db()
    assert report.stored_name != first
    assert files(reports_dir) == [report.stored_name]
    assert len(text_of(report).splitlines()) - 1 == report.rows == LedgerEntry.objects.count()


def test_files_go_when_their_time_is_over(reports_dir: Path) -> None:
    post_sales(make_sale())
    old, young = made(), made()
    Report.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    remove_artefacts()

    assert files(reports_dir) == [young.stored_name]
    old.refresh_from_db()
    assert (old.stored_name, old.has_file, old.is_expired) == ("", False, True)
    assert old.sha256  # what it was is still known


def test_a_report_goes_with_its_job(reports_dir: Path) -> None:
    post_sales(make_sale())
    report, other = made(), made()

    job_pruned.send(SSEProgress, job=job_of(report))

    assert list(Report.objects.all()) == [other]
    assert files(reports_dir) == [other.stored_name]


def test_the_file_is_in_its_owners_language() -> None:
    from django.utils import translation

    post_sales(make_sale(day=date(2026, 3, 2)))
    with translation.override("fr"):
        report = build(ask_for("sales-journal"))

    assert text_of(report).splitlines()[0].startswith("\ufeffDate;Numéro;")
    assert report.file_name == "journal-des-ventes_2026-01-01_2026-12-31.csv"
