"""The frame of the pages in a real browser: theme, menu, keyboard, narrow screens."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.support.live import LiveHeron

PAGES = ("/core/jobs/", "/invoices/", "/invoices/mailbox/")
NARROW = 320
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")


@pytest.fixture
def entered(page: Page, stack: LiveHeron) -> Page:
    """Log in, as people do."""
    page.goto(f"{stack.base_url}/core/jobs/")
    page.get_by_label("Nom d’utilisateur").fill(stack.username)
    page.get_by_label("Mot de passe").fill(stack.password)
    page.get_by_role("button", name="Se connecter").click()
    page.wait_for_url("**/core/jobs/")
    return page


def theme_of(page: Page) -> str | None:
    return page.locator("html").get_attribute("data-bs-theme")


def open_menu(page: Page) -> None:
    page.locator(".account summary").click()


def test_a_chosen_theme_is_there_again_after_a_reload(entered: Page) -> None:
    open_menu(entered)
    entered.get_by_role("button", name="Sombre").click()
    assert theme_of(entered) == "dark"

    entered.reload()

    assert theme_of(entered) == "dark"


def test_the_theme_follows_the_system_until_somebody_chooses(entered: Page) -> None:
    entered.emulate_media(color_scheme="dark")
    expect(entered.locator("html")).to_have_attribute("data-bs-theme", "dark")

    entered.emulate_media(color_scheme="light")

    expect(entered.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_escape_closes_the_menu_and_gives_the_focus_back(entered: Page) -> None:
    open_menu(entered)
    entered.get_by_role("button", name="Sombre").focus()

    entered.keyboard.press("Escape")

    expect(entered.locator(".account")).not_to_have_attribute("open", re.compile(".*"))
    expect(entered.locator(".account summary")).to_be_focused()


def test_the_first_tab_stop_leads_past_the_navigation(entered: Page) -> None:
    entered.keyboard.press("Tab")
    entered.keyboard.press("Enter")

    expect(entered.locator("main")).to_be_focused()


def test_the_language_switch_stays_on_the_page(entered: Page) -> None:
    open_menu(entered)

    entered.get_by_role("button", name="English").click()

    expect(entered.locator("html")).to_have_attribute("lang", "en")
    expect(entered).to_have_url(re.compile("/core/jobs/$"))


def test_logging_out_ends_at_the_login_page(entered: Page) -> None:
    open_menu(entered)

    entered.get_by_role("button", name="Se déconnecter").click()

    expect(entered).to_have_url(re.compile("/accounts/login/"))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_and_has_no_accessibility_violation(
    entered: Page, stack: LiveHeron, path: str
) -> None:
    entered.goto(stack.base_url + path)

    for width in (NARROW, 1280):
        entered.set_viewport_size({"width": width, "height": 800})
        assert entered.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in SCHEMES:
            # Without motion a colour is at once what it will be.
            entered.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            expect(entered.locator("html")).to_have_attribute("data-bs-theme", scheme)
            found = Axe().run(entered)
            assert found.violations_count == 0, found.generate_report()


def test_pages_break_no_content_security_rule(page: Page, stack: LiveHeron) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    page.goto(f"{stack.base_url}/accounts/login/")

    assert page.locator("[data-theme-switch]").is_visible()
    assert [text for text in said if "Content Security Policy" in text] == []


def test_without_javascript_the_frame_still_works(browser: Browser, stack: LiveHeron) -> None:
    context = browser.new_context(java_script_enabled=False, color_scheme="dark", locale="fr-FR")
    page = context.new_page()

    page.goto(f"{stack.base_url}/accounts/login/")

    assert page.locator("[data-theme-switch]").is_hidden()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(14, 20, 26)"
    context.close()
