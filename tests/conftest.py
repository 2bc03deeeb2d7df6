"""Fixtures for every room: servers, a whole running Heron, and a browser."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import TransactionTestCase

from tests.support import chromium, postgres
from tests.support.live import LiveHeron, running_heron
from tests.support.valkey import running_valkey


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """Start a Valkey of the session's own; give its URL."""
    with running_valkey() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """Start a PostgreSQL of the session's own."""
    with postgres.running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.Postgres) -> str:
    """Give the URL of an empty PostgreSQL database."""
    return postgres_server.create_database()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[LiveHeron]:
    """Start a whole Heron: web, worker, scheduler, mail sink and Valkey, with demo data.

    It has a database of its own: SQLite in a file or, in the runs on PostgreSQL, a new one there.
    """
    with running_heron(_live_database(request)) as heron:
        yield heron


@pytest.fixture
def own_stack(request: pytest.FixtureRequest) -> Iterator[LiveHeron]:
    """Start a Heron for one test alone, which may break it."""
    with running_heron(_live_database(request)) as heron:
        yield heron


@pytest.fixture
def short_tmp_path() -> Iterator[Path]:
    """Give a folder with a path short enough for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="heron-", dir="/tmp") as folder:
        yield Path(folder)


def _live_database(request: pytest.FixtureRequest) -> str:
    if not os.environ.get("HERON_TEST_DATABASE_URL"):
        return ""
    server: postgres.Postgres = request.getfixturevalue("postgres_server")
    return server.create_database()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Drive the machine's own Chromium, with the back/forward cache that people have."""
    return {
        **browser_type_launch_args,
        "executable_path": chromium.find(),
        "ignore_default_args": ["--disable-back-forward-cache"],
        "args": list(chromium.ARGUMENTS),
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Browse as a French reader."""
    return {**browser_context_args, "locale": "fr-FR"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the runs on PostgreSQL, leave out what touches no database: it was tested already."""
    if not os.environ.get("HERON_TEST_DATABASE_URL"):
        return
    left_out = [item for item in items if not _touches_a_database(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if _touches_a_database(item)]


def _touches_a_database(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("django_db", "integration"))
    case = getattr(item, "cls", None)
    is_djangos = isinstance(case, type) and issubclass(case, TransactionTestCase)
    asked_for = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    return marked or is_djangos or bool(asked_for)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that browser tests were left out."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any("no Chromium" in str(report.longrepr) for report in skipped):
        terminalreporter.write(chromium.MISSING, red=True, bold=True)
