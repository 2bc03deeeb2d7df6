"""A report is chosen, watched and downloaded; with JavaScript or without, by everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import log_in
from tests.e2e.looks import assert_clean
from tests.support.clerk import Clerk


@pytest.fixture
def plain(browser: Browser, clerk: Clerk, base_url: str) -> Iterator[Page]:
    """A page of a browser that runs no script."""
    context = browser.new_context(java_script_enabled=False, locale="fr-FR", base_url=base_url)
    log_in(context, clerk, base_url)
    yield context.new_page()
    context.close()


def downloaded(page: Page) -> str:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=re.compile("Télécharger")).first.click()
    return waiting.value.path().read_text(encoding="utf-8-sig")


def test_a_report_is_made_and_downloaded(desk: Page) -> None:
    desk.goto("/reports/")
    expect(desk.locator("#estimate")).to_contain_text("lignes, environ")
    desk.get_by_label("Format").select_option("csv")

    desk.get_by_role("button", name="Créer le rapport").click()

    expect(desk.locator(".sp-pill")).to_have_text("Terminé")
    # The page learns of the file by itself.
    expect(desk.locator("#file .pill")).to_have_text("Prêt")
    lines = downloaded(desk).splitlines()
    assert lines[0].startswith("Date;Numéro;Type;")
    assert len(lines) > 50


def test_the_keyboard_is_enough(desk: Page) -> None:
    desk.goto("/reports/?kind=vat-summary")
    desk.get_by_label("Du").focus()
    for _ in range(40):
        desk.keyboard.press("Tab")
        if desk.evaluate("document.activeElement.value") == "create":
            break
    desk.keyboard.press("Enter")

    expect(desk.locator("#file .pill")).to_have_text("Prêt")


def test_it_works_without_javascript(plain: Page) -> None:
    plain.goto("/reports/")
    plain.get_by_role("link", name="Balance âgée").click()
    plain.get_by_label("Format").select_option("csv")
    plain.get_by_role("button", name="Estimer sa taille").click()
    expect(plain.locator("#estimate")).to_contain_text("environ")
    expect(plain.get_by_label("Format")).to_have_value("csv")
    plain.get_by_role("button", name="Créer le rapport").click()
    for _ in range(200):
        if plain.locator("#file .pill").inner_text() == "Prêt":
            break
        plain.reload()

    assert downloaded(plain).startswith("Code client;Client;Solde ouvert;")


@pytest.mark.parametrize(
    "kind", ["sales-journal", "aged-receivables", "vat-summary", "fec", "entries"]
)
def test_the_forms_are_accessible(desk: Page, kind: str) -> None:
    desk.goto(f"/reports/?kind={kind}")

    assert_clean(desk)


def test_a_finished_report_is_accessible(desk: Page) -> None:
    desk.goto("/reports/?kind=fec")
    desk.get_by_role("button", name="Créer le rapport").click()
    expect(desk.locator("#file .pill")).to_have_text("Prêt")

    assert_clean(desk)


def test_a_form_with_a_mistake_is_accessible(desk: Page) -> None:
    desk.goto("/reports/?first=2026-05-01&last=2026-04-01")
    expect(desk.locator(".wrong")).to_contain_text("finit avant de commencer")

    assert_clean(desk)
