"""A broker of ours on a real Valkey."""

from __future__ import annotations

import pytest

from tests.workers.brokers import heron_broker
from workers.broker import HeronBroker


@pytest.fixture
def heron(valkey_url: str) -> HeronBroker:
    made = heron_broker(valkey_url)
    made.declare_queue("q")
    return made
