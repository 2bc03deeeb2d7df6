"""Every test in this room drives a real browser against a running Heron."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page

from tests.e2e.bar import Bar
from tests.support import chromium
from tests.support.clerk import TERMINAL, Clerk
from tests.support.live import LiveHeron
from tests.support.lots import Lot, Lots

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """A mailing that a test has started."""

    lot: Lot
    job_id: str
    path: str


class Starter(Protocol):
    """Sends a lot: a patient one, which a test acts upon, or a brisk one, whose end it awaits."""

    def __call__(self, *, brisk: bool = False) -> Mailing:
        """Start a mailing."""


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


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], base_url: str) -> dict[str, Any]:
    """Say it once more for this room: other rooms' browsers may have been there before."""
    return {**browser_context_args, "base_url": base_url}


@pytest.fixture(scope="session")
def clerk(stack: LiveHeron) -> Clerk:
    """The demo's user, without a browser."""
    return Clerk(stack, stack.username)


@pytest.fixture(scope="session")
def lots(stack: LiveHeron) -> Lots:
    """Invoices of which each test takes its own."""
    return Lots(stack)


@pytest.fixture
def start(clerk: Clerk, lots: Lots) -> Iterator[Starter]:
    """Send a lot; in the end, stop what still runs."""
    started: list[Mailing] = []

    def send(*, brisk: bool = False) -> Mailing:
        lot = lots.take(brisk=brisk)
        told = clerk.send(lot.invoice_ids)
        mailing = Mailing(lot=lot, job_id=told["job_id"], path=told["url"])
        started.append(mailing)
        return mailing

    yield send
    for mailing in started:
        if clerk.snapshot(mailing.job_id)["status"] not in TERMINAL:
            clerk.act(mailing.job_id, "cancel")
    for mailing in started:
        clerk.wait_for_end(mailing.job_id)


def log_in(context: BrowserContext, clerk: Clerk, base_url: str) -> None:
    """Give a browser the clerk's session."""
    context.add_cookies(
        [
            {"name": name, "value": value, "url": base_url}
            for name, value in clerk.cookies.items()
            if name != "django_language"
        ]
    )


@pytest.fixture
def desk(page: Page, clerk: Clerk, base_url: str) -> Iterator[Page]:
    """A page of somebody who is logged in; no script may fail on it and no rule be broken."""
    faults: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    def on_error(error: Error) -> None:
        faults.append(str(error))

    page.on("console", on_console)
    page.on("pageerror", on_error)
    log_in(page.context, clerk, base_url)
    yield page
    assert faults == []


@pytest.fixture
def bar(desk: Page) -> Bar:
    """The only bar of the page."""
    return Bar(desk)
