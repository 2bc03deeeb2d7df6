"""The guide's pages, pasted into a bare Django project, in a real browser."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.guide.bare_project import PASSWORD, USERNAME, BareProject, running_shop
from tests.support import chromium

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        chromium.find() is None and not os.environ.get("CI"), reason="no Chromium on this machine"
    ),
]
#: Keeps the guide's onComplete from reloading the page, three seconds later, under the assertions.
HOLD_THE_RELOAD = """
  const later = window.setTimeout;
  window.setTimeout = (run, ...rest) => {
    if (!String(run).includes("location.reload")) return later(run, ...rest);
    window.reloadNow = run;
    return 0;
  };
"""
#: Milliseconds for what takes a second on an idle machine.
SOON = 20_000
#: Milliseconds for a lease to run out, and the scheduler to notice.
EXPIRED_SOON = 45_000


@pytest.fixture(scope="session")
def base_url() -> str:
    """None: a page's address is the shop's, which is not there for the whole session."""
    return ""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> Iterator[BareProject]:
    with running_shop(tmp_path_factory.mktemp("bare"), valkey_url) as project:
        yield project


class Customer:
    """Somebody at the shop's pages, and what the console and the alerts told them."""

    def __init__(self, page: Page, shop: BareProject) -> None:
        self.page = page
        self.shop = shop
        self.console: list[str] = []
        self.alerts: list[str] = []
        self.errors: list[str] = []
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._on_dialog)

    def log_in(self) -> None:
        self.open("/accounts/login/?next=/factures/")
        self.page.locator("#id_username").fill(USERNAME)
        self.page.locator("#id_password").fill(PASSWORD)
        self.page.get_by_role("button", name="Se connecter").click()
        self.page.wait_for_url("**/factures/")

    def open(self, path: str) -> None:
        self.page.goto(self.shop.url + path)

    def snapshot(self, job_id: str) -> dict[str, Any]:
        answer = self.page.request.get(f"{self.shop.url}/core/sse-progress/{job_id}/")
        assert answer.ok, answer.text()
        state: dict[str, Any] = answer.json()
        return state

    @property
    def bar(self) -> Locator:
        return self.page.locator("sse-progress")

    @property
    def job_id(self) -> str:
        job_id = self.bar.get_attribute("job-id")
        assert job_id
        return job_id

    def logged(self, beginning: str) -> list[str]:
        return [line for line in self.console if line.startswith(beginning)]

    def _on_dialog(self, dialog: Any) -> None:
        self.alerts.append(dialog.message)
        dialog.accept()


@pytest.fixture
def customer(page: Page, shop: BareProject) -> Iterator[Customer]:
    somebody = Customer(page, shop)
    somebody.log_in()
    yield somebody
    sys.stdout.write(shop.last_words())  # shown when the test has failed
    assert somebody.errors == []


def expect_completed(customer: Customer, of: int) -> None:
    expect(customer.bar).to_have_attribute("data-state", "completed", timeout=SOON)
    expect(customer.bar).to_contain_text(re.compile(r"100\s%"))
    expect(customer.bar).to_contain_text(re.compile(rf"{of}\s+sur\s+{of}"))
    state = customer.snapshot(customer.job_id)
    assert state["counts"] == {"done": of, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 0}
    assert (state["status"], state["percent"]) == ("completed", 100)


def test_the_form_of_section_3_gives_a_bar_that_moves_to_the_end(customer: Customer) -> None:
    page = customer.page
    page.add_init_script(HOLD_THE_RELOAD)
    customer.open("/factures/")
    for number in (1, 2, 3):
        page.locator(f"input[value='{number}']").check()
    page.get_by_role("button", name="Envoyer les factures").click()

    expect(page.locator("#progress-container")).to_contain_text("Envoi de 3 factures")
    expect(page.locator("#sendForm")).to_be_hidden()
    expect_completed(customer, of=3)

    # The bar came without a style sheet of the page's own.
    assert page.locator("link[href*='css/sse_progress.css']").count() == 1
    # The lines of section 7.2. The first state may come before the stream: with a snapshot.
    stream = [
        f"[SSE] Connexion à /core/events/?channel=progress-{customer.job_id}",
        "[SSE] ✅ Conn",
    ]
    work = ["[SSE] 🚀 Start:", "[SSE] 📊 Progress: ", "Envoi terminé!"]
    for beginnings in (stream, work):
        firsts = [customer.console.index(customer.logged(start)[0]) for start in beginnings]
        assert firsts == sorted(firsts)
    found = [re.match(r"\D*(\d+)%", line) for line in customer.logged("[SSE] 📊 Progress: ")]
    percents = [int(match[1]) for match in found if match]
    assert percents == sorted(percents)
    assert set(percents) & {33, 66}
    assert len(customer.logged("Envoi terminé!")) == 1
    assert customer.alerts == []
    job_id = customer.job_id
    page.evaluate("reloadNow()")
    expect(page.locator("#sendForm")).to_be_visible(timeout=SOON)
    # The actor's last word comes after the end; whoever opens the job later reads it.
    customer.open(f"/core/jobs/{job_id}/")
    expect(customer.bar).to_contain_text("✅ 3 factures envoyées, 0 erreurs")


def test_a_mail_that_fails_is_shown_with_its_reason(customer: Customer) -> None:
    page = customer.page
    page.locator("input[value='2']").evaluate("input => { input.value = 'inconnue' }")
    for box in page.locator("input[name='invoice_ids']").all():
        box.check()
    page.get_by_role("button", name="Envoyer les factures").click()

    expect(customer.bar).to_have_attribute("data-state", "partial", timeout=SOON)
    expect(customer.bar).to_contain_text("Erreur sur facture inconnue: adresse inconnue")
    assert customer.snapshot(customer.job_id)["counts"] == {
        "done": 2,
        "skipped": 0,
        "failed": 1,
        "in_doubt": 0,
        "left": 0,
    }


def test_the_include_of_section_4_gives_a_bar_that_moves_to_the_end(customer: Customer) -> None:
    customer.open("/factures/simple/")
    customer.page.get_by_role("button", name="Envoyer").click()

    customer.page.wait_for_url("**/factures/simple/?job_id=*")
    expect(customer.bar).to_contain_text("Envoi des factures")
    expect_completed(customer, of=3)

    without_script = customer.page.request.get(customer.page.url).text()
    assert re.search(r'<progress [^>]*value="100"', without_script)


@pytest.mark.parametrize(("path", "title"), [("/edi/", "Import EDI"), ("/rapports/", "Rapports")])
def test_the_tasks_of_section_5_move_their_bars(customer: Customer, path: str, title: str) -> None:
    customer.open(path)
    customer.page.get_by_role("button", name="Lancer").click()

    expect(customer.bar).to_contain_text(title)
    expect_completed(customer, of=2)


def test_the_jobs_pages_fit_into_the_projects_own_frame(customer: Customer) -> None:
    customer.open("/rapports/")
    customer.page.get_by_role("button", name="Lancer").click()
    expect_completed(customer, of=2)
    job_id = customer.job_id

    for path in ("/core/jobs/", f"/core/jobs/{job_id}/"):
        answer = customer.page.request.get(customer.shop.url + path)
        assert answer.status == 200, answer.text()[:2000]
        assert "<title>Boutique</title>" in answer.text()


def test_a_worker_that_is_killed_leaves_an_expired_job_that_says_so(customer: Customer) -> None:
    page = customer.page
    page.locator("input[value='2']").evaluate("input => { input.value = 'muette' }")
    for box in page.locator("input[name='invoice_ids']").all():
        box.check()
    page.get_by_role("button", name="Envoyer les factures").click()
    expect(customer.bar).to_contain_text(re.compile(r"1\s+sur\s+3"), timeout=SOON)

    customer.shop.kill_worker()
    try:
        expect(customer.bar).to_have_attribute("data-state", "expired", timeout=EXPIRED_SOON)
    finally:
        customer.shop.start_worker()

    state = customer.snapshot(customer.job_id)
    assert (state["status"], state["current"]) == ("expired", 1)
    assert state["error"]["code"] == "expired"
    assert state["error"]["message"]
    expect(customer.bar).to_contain_text(state["error"]["message"])
    # The guide's onError got a text, and not "[object Object]".
    assert len(customer.alerts) == 1
    assert state["error"]["message"] in customer.alerts[0]


def test_the_guides_commands_find_nothing_to_complain_about(shop: BareProject) -> None:
    assert "no issues" in shop.manage("check", "--fail-level", "WARNING")
    assert "No changes detected" in shop.manage("makemigrations", "--check", "--dry-run", "core")
