"""Every test in this room drives a real browser against a running Heron."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import chromium
from tests.support.live import LiveHeron

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the room's tests; skip them where there is no browser, but never where CI is set."""
    skip = pytest.mark.skip(reason="no Chromium on this machine")
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)
            if chromium.find() is None and not os.environ.get("CI"):
                item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _orm_beside_playwright() -> Iterator[None]:
    """Let the ORM work in the thread in which Playwright runs its event loop."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    yield
    patch.undo()


@pytest.fixture(scope="session")
def base_url(stack: LiveHeron) -> str:
    """Let `page.goto("/invoices/")` lead to the running Heron."""
    return stack.base_url
