"""A bar is right on any page, at any moment: late, again, twice, many, and after coming back."""

from __future__ import annotations

from playwright.sync_api import Page, Request, expect

from tests.e2e.bar import Bar
from tests.e2e.conftest import Starter
from tests.support.clerk import Clerk
from tests.support.lots import SIZE

#: More than the connections that a browser opens to one host.
PAGES = 9


def streams_of(page: Page) -> list[Request]:
    """Note the event streams that a page opens from now on."""
    streams: list[Request] = []

    def note(request: Request) -> None:
        if request.resource_type == "eventsource":
            streams.append(request)

    page.on("request", note)
    return streams


def test_a_reload_in_the_middle_changes_nothing(desk: Page, bar: Bar, start: Starter) -> None:
    desk.goto(start(brisk=True).path)
    bar.wait_for_progress(5)
    before = bar.percent

    desk.reload()

    assert bar.percent >= before
    bar.wait_for_link()
    bar.wait_for_progress()
    bar.wait_for("completed")


def test_a_page_opened_after_the_end_is_right_at_once(
    desk: Page, bar: Bar, start: Starter, clerk: Clerk
) -> None:
    mailing = start(brisk=True)
    clerk.wait_for_end(mailing.job_id)
    streams = streams_of(desk)

    desk.goto(mailing.path)

    bar.wait_for("completed")
    assert bar.percent == 100
    expect(bar.part("facts")).to_contain_text(f"{SIZE} sur {SIZE} factures")
    assert streams == []


def test_two_tabs_show_the_same_job(desk: Page, bar: Bar, start: Starter) -> None:
    mailing = start(brisk=True)
    other = desk.context.new_page()

    desk.goto(mailing.path)
    other.goto(f"/core/jobs/{mailing.job_id}/")
    bars = [bar, Bar(other)]
    for each in bars:
        each.wait_for_link()
        each.wait_for_progress()
    for each in bars:
        each.wait_for("completed")

    assert bars[0].state["counts"] == bars[1].state["counts"]


def test_many_bars_share_one_stream(desk: Page, start: Starter) -> None:
    jobs = [start().job_id for _ in range(3)]
    streams = streams_of(desk)

    desk.goto("/core/jobs/")
    for job in jobs:
        bar = Bar(desk, job)
        bar.wait_for_link()
        bar.wait_for_progress()

    assert len(streams) == 1
    assert all(f"progress-{job}" in streams[0].url for job in jobs)


def test_pages_kept_for_the_back_button_keep_no_stream(desk: Page, start: Starter) -> None:
    mailing = start()
    paths = [f"/core/jobs/{mailing.job_id}/?walk={n}" for n in range(PAGES)]

    for path in paths:
        desk.goto(path)
        # With a stream per page left behind, the seventh page would wait for ever.
        Bar(desk).wait_for_link()
        desk.evaluate("window.kept = location.search")
    # A page from the cache fires no load event to wait for.
    desk.go_back(wait_until="commit")

    # The very page that was left, from the browser's cache, and live again.
    assert desk.evaluate("window.kept") == f"?walk={PAGES - 2}"
    bar = Bar(desk)
    bar.wait_for_link()
    bar.wait_for_progress()
