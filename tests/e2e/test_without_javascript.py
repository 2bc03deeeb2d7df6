"""Everything can be done, and is told, without JavaScript; only by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import log_in
from tests.support.clerk import Clerk
from tests.support.live import LiveHeron
from tests.support.lots import SIZE, Lots
from tests.support.received import mails_with


@pytest.fixture
def plain(browser: Browser, clerk: Clerk, base_url: str) -> Iterator[Page]:
    """A page of a browser that runs no script."""
    context = browser.new_context(java_script_enabled=False, locale="fr-FR", base_url=base_url)
    log_in(context, clerk, base_url)
    yield context.new_page()
    context.close()


def value_of(page: Page) -> float:
    return float(page.locator("sse-progress progress").get_attribute("value") or 0)


def refresh_until(page: Page, word: str) -> None:
    pill = page.locator(".sp-pill")
    for _ in range(600):
        if re.search(word, pill.inner_text()):
            return
        page.get_by_role("link", name="Actualiser").click()
    raise AssertionError(f"The bar never says “{word}” but “{pill.inner_text()}”")


def test_a_mailing_can_be_sent_watched_and_cancelled(
    plain: Page, stack: LiveHeron, clerk: Clerk, lots: Lots
) -> None:
    lot = lots.take()
    plain.goto(f"/invoices/?q={lot.customer}")
    boxes = plain.get_by_role("checkbox", name=re.compile("Sélectionner la facture")).all()
    for box in boxes:
        box.check()

    plain.get_by_role("button", name="Envoyer les factures sélectionnées").click()
    plain.get_by_role("button", name=f"Envoyer {SIZE} factures").click()
    refresh_until(plain, "En cours")
    first = value_of(plain)
    while value_of(plain) == first:
        plain.get_by_role("link", name="Actualiser").click()
    expect(plain.locator(".sp-facts")).to_contain_text(f"sur {SIZE} factures")
    plain.get_by_role("button", name="Annuler").click()
    refresh_until(plain, "Annulé")

    assert value_of(plain) > first
    assert plain.get_by_role("link", name="Actualiser").count() == 0
    job_id = plain.locator("sse-progress").get_attribute("job-id") or ""
    done = clerk.snapshot(job_id)["counts"]["done"]
    expect(plain.locator(".sp-facts")).to_contain_text(f"{done} sur {SIZE} factures")
    assert len(mails_with(stack, lot.numbers)) == done


def test_a_finished_mailing_is_told_as_such(plain: Page, clerk: Clerk, lots: Lots) -> None:
    told = clerk.send(lots.take(brisk=True).invoice_ids[:2])
    clerk.wait_for_end(told["job_id"])

    plain.goto(told["url"])

    expect(plain.locator(".sp-pill")).to_have_text("Terminé")
    assert value_of(plain) == 100
    expect(plain.locator(".sp-stats")).to_contain_text("2 succès")
