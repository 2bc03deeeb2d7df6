"""From a click to the bar, in a real Chromium on a whole Heron."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.bench.common import line
from tests.bench.sse.size import CLICKS
from tests.bench.sse.tally import percentile
from tests.support import chromium
from tests.support.clerk import Clerk
from tests.support.live import LiveHeron, running_heron
from tests.support.lots import SIZE, Lots

#: Invoices a click: two seconds of work.
INVOICES = 6
#: Milliseconds: a bar that has not heard of its job by then reads snapshots.
PATIENCE_MS = 15_000

# Notes when the page's stream brings the first event of a job.
LISTEN = """
const Native = globalThis.EventSource;
globalThis.EventSource = class extends Native {
  constructor(...args) {
    super(...args);
    for (const kind of ["start", "progress", "warning", "complete", "error"]) {
      this.addEventListener(kind, (event) => {
        if (!("data" in event)) return;
        const received = performance.now();
        const heard = globalThis.heard ??= new Map();
        const { job_id: job } = JSON.parse(event.data);
        if (!heard.has(job)) heard.set(job, received);
      });
    }
  }
};
"""

# As the guide's page does it: POST, read the job's id, show its bar.
CLICK = """
async ([invoices, patience]) => {
  const box = document.createElement("div");
  box.id = "bench-bar";
  document.querySelector("main").prepend(box);
  const body = new FormData();
  for (const id of invoices) body.append("invoice_ids", id);
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const headers = { "X-CSRFToken": token, Accept: "application/json" };
  const began = performance.now();
  const answer = await fetch("/invoices/send/", { method: "POST", body, headers });
  const { job_id: job, progress: state } = await answer.json();
  const answered = performance.now() - began;
  new SSEProgressUI("bench-bar", job, { title: "Bench", state });
  let shown = null;
  while (performance.now() - began < patience) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    if (box.querySelector("sse-progress")?.state?.seq) shown ??= performance.now() - began;
    const received = globalThis.heard?.get(job);
    if (shown && received) return { job, answered, shown, received: received - began };
  }
  return { job, answered, shown, received: null };
}
"""


def measure() -> None:
    """Print sse.click_to_bar_ms."""
    if chromium.find() is None:
        sys.stderr.write("sse.click_to_bar_ms is left out: there is no Chromium on this machine\n")
        return
    with running_heron() as heron, opened(heron) as page:
        clerk = Clerk(heron, heron.username)
        lots = Lots(heron)
        invoices: list[int] = []
        times = []
        for number in range(CLICKS + 1):
            if not invoices:
                invoices = lots.take(brisk=True).invoice_ids[: SIZE // INVOICES * INVOICES]
            mine, invoices = invoices[:INVOICES], invoices[INVOICES:]
            told = click(page, clerk, mine)
            if number:  # the first warms everything
                times.append(told)
    heard = [told for told in times if told["received"] is not None]
    received, shown, answered = (
        [told[name] for told in heard] for name in ("received", "shown", "answered")
    )
    line(
        "sse.click_to_bar_ms",
        round(percentile(received, 0.5), 1),
        "ms",
        n=len(heard),
        note=f"POST to first event in Chromium, p50 of {len(heard)} clicks; "
        f"p99 {percentile(received, 0.99):.1f} ms; the bar showed the job, by event or snapshot, "
        f"p50 {percentile(shown, 0.5):.1f}, p99 {percentile(shown, 0.99):.1f} ms; the POST itself "
        f"p50 {percentile(answered, 0.5):.1f} ms; {CLICKS - len(heard)} clicks heard of no event",
    )


@contextmanager
def opened(heron: LiveHeron) -> Iterator[Page]:
    """Open a browser of somebody who is logged in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.find(), args=list(chromium.ARGUMENTS)
        )
        page = browser.new_page(base_url=heron.base_url, locale="fr-FR")
        page.add_init_script(LISTEN)
        cookies = Clerk(heron, heron.username).cookies
        page.context.add_cookies(
            [{"name": n, "value": v, "url": heron.base_url} for n, v in cookies.items()]
        )
        yield page
        browser.close()


def click(page: Page, clerk: Clerk, invoices: list[int]) -> dict[str, Any]:
    """Send invoices from a fresh page, and wait for the job's end."""
    page.goto("/invoices/")
    page.add_script_tag(url="/static/js/sse_progress.js")
    told: dict[str, Any] = page.evaluate(CLICK, [invoices, PATIENCE_MS])
    clerk.wait_for_end(told["job"])
    return told
