"""A bench that is clean, a broker in memory, and a database that threads share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

from apps.core import fanout, shutdown
from tests.core.fanout.bench import bench
from tests.support.database import shared_by_threads


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> Iterator[None]:
    bench.reset()
    settings.PROGRESS_FLUSH_SECONDS = 0
    fanout.summing.__init__()  # type: ignore[misc]
    yield
    shutdown.stopping.clear()


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    before = dramatiq.get_broker()
    stub = StubBroker(middleware=[])
    stub.declare_queue("default")
    dramatiq.set_broker(stub)
    yield stub
    dramatiq.set_broker(before)


@pytest.fixture
def shared(tmp_path: Path, transactional_db: None) -> Iterator[None]:
    with shared_by_threads(tmp_path):
        yield
