"""Fixtures for every room: servers, a whole running Heron, and a browser."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that browser tests were left out."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any("no Chromium" in str(report.longrepr) for report in skipped):
        terminalreporter.write(chromium.MISSING, red=True, bold=True)
