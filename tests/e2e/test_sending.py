"""The main job, for real: click Send, watch true progress, find the mails."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.bar import Bar, number_in
from tests.e2e.looks import assert_clean
from tests.support.clerk import TERMINAL, Clerk
from tests.support.live import LiveHeron
from tests.support.lots import Lots
from tests.support.received import invoice_of, mails_with, text_of

SELECTED = 200
BAD = 3
#: Invoices that two tabs want to send at the same moment.
TWICE = 12


def test_two_hundred_invoices_leave_and_the_bar_tells_the_truth(
    page: Page, stack: LiveHeron, clerk: Clerk
) -> None:
    page.goto("/")
    page.get_by_label("Nom d’utilisateur").fill(stack.username)
    page.get_by_label("Mot de passe").fill(stack.password)
    page.get_by_role("button", name="Se connecter").click()
    # The newest are the demo's own, among them three for addresses that fail.
    page.goto("/invoices/?per_page=200")
    page.get_by_label("Sélectionner toute la page").check()
    numbers = page.locator("tr:has(:checked) .keep a").all_inner_texts()
    assert len(numbers) == SELECTED

    page.get_by_role("button", name=f"Envoyer {SELECTED} factures").click()
    page.wait_for_url(re.compile("/invoices/preflight/"))
    expect(page.get_by_role("heading", name=f"{SELECTED} factures à envoyer")).to_be_visible()
    page.get_by_role("button", name=f"Envoyer {SELECTED} factures").click()
    page.wait_for_url(re.compile("/invoices/mailings/"))
    bar = Bar(page)
    bar.record()
    job_id = bar.element.get_attribute("job-id") or ""
    snapshots: list[dict[str, Any]] = []
    while not snapshots or snapshots[-1]["status"] not in TERMINAL:
        snapshots.append(clerk.snapshot(job_id))
        page.wait_for_timeout(100)
    bar.wait_for("partial")

    assert_true_counts([state for seen in bar.recorded() if (state := seen["state"])])
    assert_true_counts(snapshots)
    assert_moved(bar.recorded())
    assert bar.percent == 100
    expect(bar.part("stat-done")).to_have_text(re.compile("197 succès"))
    expect(bar.part("stat-failed")).to_have_text(re.compile("3 échecs"))
    assert_reasons(bar)
    assert_clean(page)
    assert_table(page)
    assert_mails(stack, numbers)


def assert_true_counts(states: list[dict[str, Any]]) -> None:
    """Each state balances by itself, and none goes back behind the one before."""
    for state in states:
        counts = state["counts"]
        over = counts["done"] + counts["skipped"] + counts["failed"] + counts["in_doubt"]
        assert over == state["current"] <= SELECTED
        assert state["total"] in (None, SELECTED)
        # The bar has no use for what is left; the snapshot tells it.
        if state["total"] and "left" in counts:
            assert counts["left"] == SELECTED - over
        assert state["percent"] is None or (state["percent"] == 100) == (
            state["status"] == "completed"
        )
    for before, after in pairwise(states):
        assert (before["percent"] or 0) <= (after["percent"] or 0)
        assert before["current"] <= after["current"]


def assert_moved(seen: list[dict[str, Any]]) -> None:
    """What a reader saw agrees with the state, and came by events in small steps."""
    looks = [
        (number_in(one["facts"]), one["state"]["current"]) for one in seen if "sur" in one["facts"]
    ]
    shown = [number for number, _known in looks]
    assert len(set(shown)) >= 5
    assert shown == sorted(shown)
    # A state is drawn a frame after it came: a look may find the one before still standing there,
    # the first look what the page itself brought.
    assert all(number <= known for number, known in looks)
    assert set(shown) <= {shown[0], *(known for _number, known in looks)}
    assert any(one["connection"] == "live" for one in seen)


def assert_reasons(bar: Bar) -> None:
    """Three failures, each with the server's words or what is wrong with the address."""
    bar.element.get_by_text("3 avertissements").click()
    reasons = bar.part("warn-list").locator("li").all_inner_texts()
    assert len(reasons) == BAD
    assert sum("550 5.1.1" in reason for reason in reasons) == 2
    assert sum("n’est pas une adresse e-mail" in reason for reason in reasons) == 1


def assert_table(page: Page) -> None:
    """The page's table says the same as the bar, without a reload."""
    tabs = page.get_by_role("navigation", name="Filtrer par résultat")
    expect(tabs.get_by_role("link", name=re.compile("Accepté"))).to_contain_text("197")
    tabs.get_by_role("link", name=re.compile("Refusé")).click()
    expect(page.locator("#deliveries tbody tr")).to_have_count(BAD)


def assert_mails(stack: LiveHeron, numbers: list[str]) -> None:
    """The mail server has one mail per invoice, with the PDF of that invoice."""
    mails = mails_with(stack, numbers)
    assert len(mails) == SELECTED - BAD
    assert len({mail.message_id for mail in mails}) == SELECTED - BAD
    for mail in mails:
        assert invoice_of(mail) in text_of(mail)
        assert invoice_of(mail) in mail.subject


def test_the_same_selection_sent_twice_at_once_leaves_once(
    stack: LiveHeron, clerk: Clerk, lots: Lots
) -> None:
    lot = lots.take(brisk=True)
    ids, numbers = lot.invoice_ids[:TWICE], lot.numbers[:TWICE]
    tabs = [Clerk(stack, stack.username) for _ in range(2)]

    with ThreadPoolExecutor() as pool:
        answers = list(
            pool.map(lambda tab: tab.post("/invoices/send/", {"invoice_ids": ids}), tabs)
        )
    started = [answer.json() for answer in answers if answer.status_code == 200]
    ends = [clerk.wait_for_end(told["job_id"]) for told in started]

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert sum(end["counts"]["done"] for end in ends) == TWICE
    mails = mails_with(stack, numbers)
    assert sorted(invoice_of(mail) for mail in mails) == sorted(numbers)
    assert len({mail.message_id for mail in mails}) == TWICE
