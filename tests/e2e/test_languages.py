"""Each reader's language, whatever the language in which the job was started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.bar import Bar
from tests.e2e.conftest import Starter
from tests.support.clerk import Clerk

ENGLISH = {
    "title": {"Sending invoices"},
    "pill": {"Queued", "Running", "Cancelling…", "Cancelled"},
    "buttons": {"Pause", "Cancel", "Try again"},
}
FRENCH = {
    "title": {"Envoi des factures"},
    "pill": {"En attente", "En cours", "Annulation…", "Annulé"},
    "buttons": {"Mettre en pause", "Annuler", "Relancer"},
}


@pytest.fixture
def in_english(clerk: Clerk) -> Iterator[None]:
    """Start jobs in English."""
    clerk.http.headers["Accept-Language"] = "en"
    yield
    clerk.http.headers["Accept-Language"] = "fr"


def assert_only(
    seen: list[dict[str, Any]], words: dict[str, set[str]], *, of: str, foreign: str
) -> None:
    assert {one["title"] for one in seen} == words["title"]
    assert {one["pill"] for one in seen} <= words["pill"]
    assert {button for one in seen for button in one["buttons"]} <= words["buttons"]
    # Not in all of them: a job that has just begun does not know its total.
    assert any(of in one["facts"] for one in seen)
    assert not any(foreign in one["facts"] for one in seen)


def watch_and_cancel(bar: Bar, path: str, cancel: str) -> list[dict[str, Any]]:
    bar.page.on("dialog", lambda dialog: dialog.accept())
    bar.page.goto(path)
    bar.record()
    bar.wait_for_link()
    bar.wait_for_progress(2)
    bar.button(cancel).click()
    bar.wait_for("cancelled")
    return bar.recorded()


@pytest.mark.browser_context_args(locale="en-US")
def test_an_english_reader_of_a_french_job_reads_english(bar: Bar, start: Starter) -> None:
    seen = watch_and_cancel(bar, start().path, "Cancel")

    assert_only(seen, ENGLISH, of=" of ", foreign=" sur ")


@pytest.mark.usefixtures("in_english")
def test_a_french_reader_of_an_english_job_reads_french(bar: Bar, start: Starter) -> None:
    seen = watch_and_cancel(bar, start().path, "Annuler")

    assert_only(seen, FRENCH, of=" sur ", foreign=" of ")


def test_switching_the_language_turns_the_whole_page(desk: Page, bar: Bar, start: Starter) -> None:
    desk.goto(start().path)
    bar.wait_for("running")
    expect(bar.part("pill")).to_have_text("En cours")

    desk.locator(".account summary").click()
    desk.get_by_role("button", name="English").click()

    expect(desk.locator("html")).to_have_attribute("lang", "en")
    expect(bar.part("pill")).to_have_text("Running")
    expect(bar.part("title")).to_have_text("Sending invoices")
    expect(bar.button("Pause")).to_be_visible()
    expect(desk.get_by_role("link", name="Invoices").first).to_be_visible()
    expect(desk.locator("#deliveries-title")).to_have_text("E-mails")
    expect(desk.get_by_role("columnheader", name="Recipient")).to_be_visible()
