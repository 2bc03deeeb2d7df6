"""Whatever breaks on the way, the bar recovers by itself and ends right."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route

from heron.demo.stack import VALKEY
from tests.e2e.bar import Bar
from tests.e2e.conftest import Starter, log_in
from tests.support.clerk import Clerk
from tests.support.live import LiveHeron, running_heron
from tests.support.lots import SIZE, Lots
from tests.support.received import mails_with


@pytest.fixture(scope="module")
def heron() -> Iterator[LiveHeron]:
    """A Heron that these tests may break."""
    with running_heron() as heron:
        yield heron


@pytest.fixture(scope="module")
def own_lots(heron: LiveHeron) -> Lots:
    """Invoices of that Heron."""
    return Lots(heron)


@pytest.fixture(scope="module")
def own_clerk(heron: LiveHeron) -> Clerk:
    """A user of that Heron."""
    return Clerk(heron, heron.username)


def watch(page: Page, heron: LiveHeron, clerk: Clerk, invoice_ids: list[int]) -> Bar:
    """Send invoices and look at the bar until it moves."""
    log_in(page.context, clerk, heron.base_url)
    page.goto(heron.base_url + clerk.send(invoice_ids)["url"])
    bar = Bar(page)
    bar.wait_for_link()
    bar.wait_for_progress(3)
    bar.record()
    return bar


def assert_ends_right(bar: Bar, heron: LiveHeron, numbers: list[str]) -> None:
    bar.wait_for("completed")
    assert bar.state["counts"] == {"done": len(numbers), "skipped": 0, "failed": 0, "in_doubt": 0}
    percents = [seen["value"] for seen in bar.recorded()]
    assert percents == sorted(percents)
    assert len(mails_with(heron, numbers)) == len(numbers)


def test_a_restarted_web_server_is_found_again(
    page: Page, heron: LiveHeron, own_clerk: Clerk, own_lots: Lots
) -> None:
    # Two lots, so that the job outlasts the restart.
    lots = [own_lots.take(brisk=True), own_lots.take(brisk=True)]
    bar = watch(page, heron, own_clerk, [pk for lot in lots for pk in lot.invoice_ids])

    heron.restart_web()

    bar.wait_for_link()
    assert_ends_right(bar, heron, [number for lot in lots for number in lot.numbers])


def test_valkey_may_die_and_come_back_in_the_middle(
    page: Page, heron: LiveHeron, own_clerk: Clerk, own_lots: Lots
) -> None:
    lot = own_lots.take(brisk=True)
    bar = watch(page, heron, own_clerk, lot.invoice_ids)

    os.kill(heron.stack.processes[VALKEY].pid, signal.SIGKILL)
    bar.wait_for_progress()
    heron.stack.launch(VALKEY)

    assert_ends_right(bar, heron, lot.numbers)


def test_after_valkey_has_come_back_the_next_mailing_runs(
    page: Page, heron: LiveHeron, own_clerk: Clerk, own_lots: Lots
) -> None:
    lot = own_lots.take(brisk=True)
    valkey = heron.stack.processes[VALKEY]
    os.kill(valkey.pid, signal.SIGKILL)
    assert valkey.wait(10)
    heron.stack.launch(VALKEY)

    bar = watch(page, heron, own_clerk, lot.invoice_ids)

    assert_ends_right(bar, heron, lot.numbers)


@pytest.mark.parametrize("status", [502, 204])
def test_one_answer_that_ends_a_native_event_source_does_not_end_ours(
    desk: Page, bar: Bar, start: Starter, status: int
) -> None:
    answers: list[int] = []

    def answer_once(route: Route) -> None:
        if answers:
            route.continue_()
        else:
            answers.append(status)
            route.fulfill(status=status)

    desk.route("**/core/events/**", answer_once)
    desk.goto(start(brisk=True).path)

    bar.wait_for_link()
    bar.wait_for("completed")

    assert answers == [status]
    assert bar.state["counts"]["done"] == SIZE
