"""The EDI desk in a browser: upload, look at what is wrong, decide, download."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from apps.edi.demo_data import Flaw, Plan, write
from tests.e2e.bar import Bar
from tests.e2e.conftest import log_in
from tests.e2e.looks import assert_clean
from tests.support.clerk import Clerk
from tests.support.live import LiveHeron

SENDER = "2900000099996"
_references = count(1)


@pytest.fixture(scope="module", autouse=True)
def _partner(stack: LiveHeron) -> None:
    stack.python(
        "from apps.edi.models import Partner; Partner.objects.get_or_create("
        f"edi_id='{SENDER}', qualifier='14', defaults={{'name': 'Nord'}})"
    )


@pytest.fixture
def plain(browser: Browser, clerk: Clerk, base_url: str) -> Iterator[Page]:
    """A page of a browser that runs no script."""
    context = browser.new_context(java_script_enabled=False, locale="fr-FR", base_url=base_url)
    log_in(context, clerk, base_url)
    yield context.new_page()
    context.close()


def a_file(*flaws: Flaw, sender: str = SENDER, messages: int = 5) -> FilePayload:
    number = next(_references)
    plan = Plan(
        messages=messages,
        lines=2,
        sender=sender,
        reference=f"E2E{number}",
        first=1 + 1000 * number,
        flaws=flaws,
        bad=1,
    )
    return {"name": f"orders-{number}.edi", "mimeType": "text/plain", "buffer": write(plan)}


def test_a_file_is_uploaded_imported_and_its_documents_shown(desk: Page) -> None:
    desk.goto("/edi/")
    desk.locator("#files").set_input_files(a_file())
    desk.get_by_role("button", name="Importer", exact=True).click()

    desk.wait_for_url(re.compile(r"/edi/\d+/$"))
    Bar(desk).wait_for("completed")
    rows = desk.locator("#messages tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("importé")
    rows.first.locator("a.name").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("Commande PO")
    assert_clean(desk)


def test_the_failing_segment_is_shown_and_the_page_is_accessible(desk: Page) -> None:
    desk.goto("/edi/")
    desk.locator("#files").set_input_files(a_file(Flaw.QUANTITY))
    desk.get_by_role("button", name="Importer", exact=True).click()
    desk.wait_for_url(re.compile(r"/edi/\d+/$"))
    Bar(desk).wait_for("partial")

    expect(desk.locator("#messages")).to_contain_text("« 1020A » n’est pas un nombre")
    expect(desk.locator("#messages code")).to_have_text("QTY+21:1020A:PCE'")
    assert_clean(desk)
    with desk.expect_download() as told:
        desk.get_by_role("link", name="Accusé de réception").click()
    assert told.value.suggested_filename.startswith("CONTRL-")


def test_many_files_can_be_dropped(desk: Page) -> None:
    desk.goto("/edi/")
    files = [a_file(), a_file()]
    desk.evaluate(
        """(files) => {
            const data = new DataTransfer();
            for (const { name, text } of files) data.items.add(new File([text], name));
            const form = document.getElementById("upload");
            form.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true,
                                                       cancelable: true }));
        }""",
        [{"name": f["name"], "text": f["buffer"].decode("latin-1")} for f in files],
    )

    for each in files:
        expect(desk.locator("#files-list")).to_contain_text(each["name"])


def test_a_file_that_can_not_be_sent_says_so_and_stays(desk: Page) -> None:
    desk.goto("/edi/")
    desk.route("**/edi/upload/", lambda route: route.abort())
    desk.locator("#files").set_input_files(a_file())
    desk.get_by_role("button", name="Importer", exact=True).click()

    expect(desk.locator("[data-sending-list]")).to_contain_text("La connexion a été perdue")
    assert_clean(desk)


def test_an_unknown_sender_is_adopted(desk: Page) -> None:
    desk.goto("/edi/")
    desk.locator("#files").set_input_files(a_file(sender="2900000088884"))
    desk.get_by_role("button", name="Importer", exact=True).click()
    desk.wait_for_url(re.compile(r"/edi/\d+/$"))
    Bar(desk).wait_for("completed")
    assert_clean(desk)

    desk.get_by_label("Nom du nouveau partenaire").fill("Coopérative du Sud")
    desk.get_by_role("button", name="En faire un partenaire et importer").click()

    expect(desk.locator(".notes")).to_contain_text("L’import a commencé")
    for _ in range(60):
        if desk.locator("#messages tbody tr", has_text="importé").count() == 5:
            break
        desk.wait_for_timeout(250)
        desk.reload()
    expect(desk.locator("#messages tbody tr", has_text="importé")).to_have_count(5)


def test_the_list_is_accessible_and_usable_with_the_keyboard(desk: Page) -> None:
    desk.goto("/edi/")
    assert_clean(desk)

    desk.locator("#files").focus()
    desk.keyboard.press("Tab")

    expect(desk.get_by_role("button", name="Importer", exact=True)).to_be_focused()


def test_it_all_works_without_javascript(plain: Page, tmp_path: Path) -> None:
    plain.goto("/edi/")
    plain.locator("#files").set_input_files([a_file(), a_file()])
    plain.get_by_role("button", name="Importer", exact=True).click()

    expect(plain.locator(".notes")).to_contain_text("2 fichiers reçus")
    plain.locator("#files-list a.name").first.click()
    expect(plain.locator("sse-progress progress")).to_be_attached()
