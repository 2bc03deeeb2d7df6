"""A job's bar on a page, as a reader and as a program sees it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

#: Milliseconds: generous, for a machine that does much else.
PATIENCE_MS = 60_000

_RECORD = """
(bar) => {
  const text = (selector) => bar.querySelector(selector)?.textContent ?? "";
  const seen = (window.seen = []);
  const look = () => seen.push({
    state: bar.state,
    view: bar.dataset.state,
    connection: bar.connection,
    title: text(".sp-title"),
    pill: text(".sp-pill"),
    subtitle: text(".sp-sub"),
    percent: text(".sp-pct"),
    facts: text(".sp-facts span"),
    value: bar.querySelector("progress")?.value ?? 0,
    buttons: [...bar.querySelectorAll("button[data-action]")].map((button) => button.textContent),
  });
  look();
  setInterval(look, 50);
  // No state is missed between two looks.
  for (const news of ["state", "start", "progress"]) {
    bar.addEventListener(`sse-progress:${news}`, look);
  }
}
"""


class Bar:
    """The bar of one job, or the only one of the page."""

    def __init__(self, page: Page, job_id: str = "") -> None:
        self.page = page
        which = f'sse-progress[job-id="{job_id}"]' if job_id else "sse-progress"
        self.element: Locator = page.locator(which)

    def part(self, name: str) -> Locator:
        """Find a part by its class, without the prefix."""
        return self.element.locator(f".sp-{name}").first

    def button(self, name: str) -> Locator:
        """Find a button."""
        return self.element.get_by_role("button", name=name)

    def wait_for(self, view: str) -> None:
        """Wait until the bar shows a state."""
        expect(self.element).to_have_attribute("data-state", view, timeout=PATIENCE_MS)

    def wait_for_link(self, link: str = "live") -> None:
        """Wait until events arrive, or until the bar knows that they don't."""
        self.page.wait_for_function(
            "([bar, link]) => bar.connection === link",
            arg=[self.element.element_handle(), link],
            timeout=PATIENCE_MS,
        )

    def wait_for_progress(self, items: int = 0) -> None:
        """Wait until more items are over than now, and at least so many."""
        self.page.wait_for_function(
            "([bar, n]) => bar.state && bar.state.current >= n",
            arg=[self.element.element_handle(), max(items, self.state["current"] + 1)],
            timeout=PATIENCE_MS,
        )

    @property
    def state(self) -> dict[str, Any]:
        """Return the job as the bar knows it."""
        state: dict[str, Any] = self.element.evaluate("(bar) => bar.state")
        return state

    @property
    def percent(self) -> int:
        """Return the percentage that the bar shows."""
        return number_in(self.part("pct").inner_text())

    def record(self) -> None:
        """Look at the bar from now on: twenty times a second, and at each new state."""
        self.element.evaluate(_RECORD)

    def recorded(self) -> list[dict[str, Any]]:
        """Return what has been seen since `record`, oldest first."""
        seen: list[dict[str, Any]] = self.page.evaluate("window.seen")
        return seen


def number_in(text: str) -> int:
    """Read the first number of a text, without the spaces and commas inside it."""
    found = re.search(r"\d[\d\s,]*", text)
    assert found is not None, text
    return int(re.sub(r"\D", "", found[0]))
