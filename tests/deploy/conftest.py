"""What the tests of deploy/ share: a short folder, a site of its own, servers that end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.servers import Launcher, environment
from tests.support.prepared import MIGRATE, prepare


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield an empty folder with a path short enough for Unix sockets."""
    with tempfile.TemporaryDirectory(prefix="heron-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def site() -> Iterator[dict[str, str]]:
    """Yield the environment of a migrated site on a SQLite database of its own."""
    with tempfile.TemporaryDirectory(prefix="heron-site-") as name:
        env = environment(Path(name))
        prepare(env, MIGRATE)
        yield env


@pytest.fixture
def gunicorn(folder: Path) -> Iterator[Launcher]:
    """Yield a launcher whose servers are gone after the test."""
    launcher = Launcher(folder=folder)
    yield launcher
    for server in launcher.started:
        server.kill()
