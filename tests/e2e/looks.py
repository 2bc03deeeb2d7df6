"""What every page owes its readers, whatever it shows."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

WIDTHS = (320, 1280)


def assert_clean(page: Page) -> None:
    """Look at a page in both themes, narrow and wide; nothing may stick out of it either."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in ("light", "dark"):
            # Without motion a colour is at once what it will be.
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
