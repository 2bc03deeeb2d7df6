"""Somebody who uses a running Heron without a browser, through the same addresses."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from tests.support.live import LiveHeron

TERMINAL = ("completed", "failed", "cancelled", "expired")
#: Seconds that a job of these tests may take on a machine that does much else.
PATIENCE_S = 90.0

Snapshot = dict[str, Any]


class Clerk:
    """A logged-in user, or a stranger when no name is given."""

    def __init__(self, heron: LiveHeron, username: str = "") -> None:
        self.http = httpx.Client(
            base_url=heron.base_url,
            headers={"Accept": "application/json", "Accept-Language": "fr"},
            timeout=30,
            trust_env=False,
        )
        if username:
            fields = {"username": username, "password": username}
            answer = self.post("/accounts/login/", fields, Accept="text/html")
            assert answer.status_code == 302, answer.text

    @property
    def cookies(self) -> dict[str, str]:
        """Return what a browser needs to be logged in as well."""
        return dict(self.http.cookies)

    def post(
        self, path: str, fields: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Post a form, with the token that it needs."""
        page = self.http.get("/accounts/login/", headers={"Accept": "text/html"}).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token is not None, page
        return self.http.post(
            path,
            data={**(fields or {}), "csrfmiddlewaretoken": token[1]},
            headers=headers,
        )

    def send(self, invoice_ids: Iterable[int]) -> dict[str, Any]:
        """Start a mailing; return the answer: job_id, url, total."""
        answer = self.post("/invoices/send/", {"invoice_ids": list(invoice_ids)})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def snapshot(self, job_id: str) -> Snapshot:
        """Read a job's snapshot."""
        answer = self.http.get(f"/core/sse-progress/{job_id}/")
        assert answer.status_code == 200, answer.text
        state: Snapshot = answer.json()
        return state

    def act(self, job_id: str, action: str) -> httpx.Response:
        """Cancel, pause, resume or retry a job."""
        return self.post(f"/core/sse-progress/{job_id}/{action}/")

    def wait_until(self, job_id: str, ready: Callable[[Snapshot], bool]) -> Snapshot:
        """Read snapshots until one is as wanted."""
        deadline = time.monotonic() + PATIENCE_S
        while not ready(state := self.snapshot(job_id)):
            assert time.monotonic() < deadline, state
            time.sleep(0.1)
        return state

    def wait_for_begin(self, job_id: str, items: int = 3) -> Snapshot:
        """Wait until a job has done some of its items."""
        state = self.wait_until(job_id, lambda state: state["current"] >= items)
        assert state["status"] == "running", state
        return state

    def wait_for_end(self, job_id: str) -> Snapshot:
        """Wait until a job is over."""
        return self.wait_until(job_id, lambda state: state["status"] in TERMINAL)
