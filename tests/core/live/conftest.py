"""A Valkey for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.core.live.breaker import breaker
from tests.core.live.scene import OwnValkey


@pytest.fixture
def valkey(settings: Any) -> Iterator[OwnValkey]:
    own = OwnValkey()
    settings.EVENTSTREAM_REDIS = {"unix_socket_path": str(own.socket)}
    own.start()
    # Nobody here has a row in the database.
    settings.PROGRESS_RECHECK_SECONDS = 3600.0
    breaker.close()
    yield own
    own.close()
