"""The buttons of a bar, with the mouse and with the keyboard."""

from __future__ import annotations

from playwright.sync_api import Dialog, Page, Route, expect

from tests.e2e.bar import Bar
from tests.e2e.conftest import Starter
from tests.support.clerk import Clerk
from tests.support.live import LiveHeron
from tests.support.lots import SIZE, Lots
from tests.support.received import mails_with

MANY_TABS = 60


def test_a_cancelled_mailing_keeps_what_is_done(
    desk: Page, bar: Bar, start: Starter, clerk: Clerk, stack: LiveHeron
) -> None:
    mailing = start()
    desk.goto(mailing.path)
    desk.on("dialog", lambda dialog: dialog.accept())
    bar.wait_for_progress(2)

    bar.button("Annuler").click()
    bar.wait_for("cancelled")

    end = clerk.snapshot(mailing.job_id)
    assert 2 <= end["counts"]["done"] < SIZE
    assert bar.state["counts"].items() <= end["counts"].items()
    assert len(mails_with(stack, mailing.lot.numbers)) == end["counts"]["done"]
    expect(desk.locator("#deliveries .tabs")).to_contain_text("Annulé")


def test_a_refused_confirmation_cancels_nothing(desk: Page, bar: Bar, start: Starter) -> None:
    desk.goto(start().path)
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    desk.on("dialog", refuse)
    bar.wait_for("running")

    bar.button("Annuler").click()
    bar.wait_for_progress()

    assert asked == ["Arrêter cette tâche ? Ce qui est fait reste fait."]
    assert bar.state["status"] == "running"


def test_a_paused_mailing_stands_still_and_is_finished_later(
    desk: Page, bar: Bar, start: Starter, stack: LiveHeron
) -> None:
    mailing = start(brisk=True)
    desk.goto(mailing.path)
    bar.wait_for_progress(3)

    bar.button("Mettre en pause").click()
    bar.wait_for("paused")
    paused_at = bar.state["current"]
    bar.button("Reprendre").click()
    bar.wait_for("completed")

    assert paused_at < SIZE
    assert bar.state["counts"]["done"] == SIZE
    assert len(mails_with(stack, mailing.lot.numbers)) == SIZE


def test_what_is_pressed_while_another_action_is_under_way_is_not_lost(
    desk: Page, bar: Bar, start: Starter
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    desk.route("**/pause/", hold)
    desk.on("dialog", lambda dialog: dialog.accept())
    desk.goto(start().path)
    bar.wait_for("running")

    with desk.expect_request("**/pause/"):
        bar.button("Mettre en pause").click()
    bar.button("Annuler").click()
    for waiting in ("Mettre en pause", "Annuler"):
        expect(bar.button(waiting)).to_have_attribute("aria-busy", "true")
    held[0].continue_()

    bar.wait_for("cancelled")


def test_everything_works_from_the_keyboard(desk: Page, bar: Bar, lots: Lots) -> None:
    lot = lots.take()
    desk.goto(f"/invoices/?q={lot.customer}")
    desk.on("dialog", lambda dialog: dialog.accept())

    tab_to(desk, f"Envoyer les {SIZE} factures de cette liste")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/invoices/preflight/**")
    tab_to(desk, f"Envoyer {SIZE} factures")
    desk.keyboard.press("Enter")
    bar.wait_for("running")
    tab_to(desk, "Mettre en pause")
    desk.keyboard.press("Enter")
    bar.wait_for("paused")

    # The button that had the focus is gone: the focus is still inside the bar, not lost.
    expect(bar.part("title")).to_be_focused()
    tab_to(desk, "Reprendre")
    desk.keyboard.press("Space")
    bar.wait_for("running")
    tab_to(desk, "Annuler")
    desk.keyboard.press("Enter")
    bar.wait_for("cancelled")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on the button of that name."""
    button = page.get_by_role("button", name=name)
    expect(button).to_be_visible()
    for _ in range(MANY_TABS):
        page.keyboard.press("Tab")
        if button.evaluate("(button) => button === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to “{name}”")
