"""A report shows one state of the ledger, and holds nobody up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections
from django.utils.connection import ConnectionDoesNotExist

from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker
from apps.reports.models import LedgerEntry, Report
from apps.reports.snapshot import ALIAS, snapshot
from tests.reports.factories import ask_for, build, make_sale, post_sales, text_of
from tests.support.database import shared_by_threads

everywhere = pytest.mark.django_db(transaction=True)


def elsewhere(act: Callable[[], object]) -> None:
    """Do something on another connection, committed."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 (told to the test below)
            failed.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert not failed, failed


@everywhere
def test_what_is_posted_meanwhile_is_not_seen(tmp_path: Path) -> None:
    with shared_by_threads(tmp_path):
        post_sales(make_sale())
        with snapshot() as alias:
            assert alias == ALIAS
            seen = LedgerEntry.objects.using(alias)
            first = list(seen.values_list("pk", flat=True))
            elsewhere(lambda: post_sales(make_sale()))

            assert list(seen.values_list("pk", flat=True)) == first
            assert LedgerEntry.objects.count() == 2 * len(first)
        with snapshot() as alias:
            assert LedgerEntry.objects.using(alias).count() == 2 * len(first)


@everywhere
def test_it_is_taken_before_anything_is_read(tmp_path: Path) -> None:
    with shared_by_threads(tmp_path), snapshot() as alias:
        elsewhere(lambda: post_sales(make_sale()))

        assert not LedgerEntry.objects.using(alias).exists()


@everywhere
def test_the_reader_and_the_writers_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with shared_by_threads(tmp_path):
        post_sales(*(make_sale() for _ in range(50)))
        with snapshot() as alias:
            rows = LedgerEntry.objects.using(alias).order_by("pk").iterator(chunk_size=10)
            next(rows)
            # On this thread's usual connection, as a job's progress is.
            User.objects.create_user("carl")
            elsewhere(lambda: post_sales(make_sale()))

            assert sum(1 for _ in rows) == 149


@everywhere
def test_nothing_can_be_written_through_it_on_postgresql(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no read-only transaction")
    with snapshot() as alias, pytest.raises(DatabaseError, match="read-only"):
        User.objects.using(alias).create(username="carl")


@everywhere
def test_its_connection_is_closed(tmp_path: Path) -> None:
    with shared_by_threads(tmp_path):
        with snapshot():
            held = connections[ALIAS]
        assert held.connection is None
        with pytest.raises(ConnectionDoesNotExist):
            connections[ALIAS]


@pytest.mark.django_db
def test_inside_a_transaction_it_is_that_transactions_view() -> None:
    post_sales(make_sale())

    with snapshot() as alias:
        assert LedgerEntry.objects.using(alias).count() == 3


@everywhere
def test_a_report_is_of_one_moment_though_invoices_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = ProgressTracker.advance

    def advance(self: ProgressTracker, n: int = 1) -> None:
        elsewhere(lambda: post_sales(make_sale()))
        honest(self, n)

    with shared_by_threads(tmp_path):
        post_sales(*(make_sale() for _ in range(5)))
        report = ask_for()
        monkeypatch.setattr(ProgressTracker, "advance", advance)

        report = build(report)

        assert report.job is not None
        assert report.job.status == Status.COMPLETED, report.job.error
        assert report.rows == len(text_of(report).splitlines()) - 1 == 15
        assert LedgerEntry.objects.count() == 18
        assert Report.objects.count() == 1
