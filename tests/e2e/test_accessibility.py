"""No page with a bar has an accessibility violation, in any theme, at any width."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.bar import Bar
from tests.e2e.conftest import Starter
from tests.e2e.looks import assert_clean
from tests.support.clerk import Clerk
from tests.support.lots import Lots


def test_the_login_page(page: Page) -> None:
    page.goto("/accounts/login/")

    assert_clean(page)


def test_the_look_before_sending(desk: Page, lots: Lots) -> None:
    ids = ",".join(str(each) for each in lots.take().invoice_ids)
    desk.goto(f"/invoices/preflight/?ids={ids}")
    desk.get_by_text("Un message personnalisé").click()

    assert_clean(desk)


def test_a_running_mailing(desk: Page, bar: Bar, start: Starter) -> None:
    desk.goto(start().path)
    bar.wait_for_progress(1)

    assert_clean(desk)


def test_the_list_of_running_jobs(desk: Page, start: Starter) -> None:
    first, second = start(), start()
    desk.goto("/core/jobs/")
    for mailing in (first, second):
        Bar(desk, mailing.job_id).wait_for_progress(1)

    assert_clean(desk)


@pytest.mark.parametrize("page_of", ["mailing", "job"])
def test_a_cancelled_job(desk: Page, bar: Bar, start: Starter, clerk: Clerk, page_of: str) -> None:
    mailing = start()
    clerk.wait_for_begin(mailing.job_id)
    clerk.act(mailing.job_id, "cancel")
    clerk.wait_for_end(mailing.job_id)

    desk.goto(mailing.path if page_of == "mailing" else f"/core/jobs/{mailing.job_id}/")
    bar.wait_for("cancelled")

    assert_clean(desk)


def test_a_lost_connection(desk: Page, bar: Bar, start: Starter) -> None:
    for path in ("**/core/events/**", "**/core/sse-progress/**"):
        desk.route(path, lambda route: route.abort())

    desk.goto(start().path)

    expect(bar.part("conn")).to_contain_text("La tâche continue sur le serveur")
    assert_clean(desk)
