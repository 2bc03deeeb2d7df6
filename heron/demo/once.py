"""The once-run: real jobs through the site's own pages, and a check of what came of them."""

from __future__ import annotations

import email
import json
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apps.edi.demo_data import Flaw, Plan, write
from heron.demo.console import ProgressLine
from heron.demo.errors import RunFailed
from heron.demo.visitor import Visitor

#: Seconds within which every job must have ended.
PATIENCE_S = 600.0
TERMINAL = ("completed", "failed", "cancelled", "expired")
OUTCOMES = ("done", "skipped", "failed", "in_doubt", "left")
#: A login that `manage.py seed_demo` makes.
USERNAME, PASSWORD = "demo", "demo"

MAILS = 200
FAILING = 3
#: Orders in the EDI file, and those of them that are wrong.
ORDERS = 200
BAD_ORDERS = 3


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the run found, and what is wrong with it."""

    jobs: list[dict[str, Any]]
    mails_received: int
    faults: list[str] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Say whether the books of every job add up to its total, with nothing left."""
        return all(_balances(job) for job in self.jobs)

    def as_json(self) -> str:
        """Return the report as the line that ends the run."""
        return json.dumps(
            {
                "jobs": self.jobs,
                "balanced": self.balanced,
                "mails_received": self.mails_received,
            }
        )


def run(base_url: str, mailbox: Path) -> Report:
    """Send 200 invoices, three of them to addresses that fail; import 200 orders; make a report.

    Three orders are bad. Each job is followed to its end.
    """
    deadline = time.monotonic() + PATIENCE_S
    visitor = Visitor(base_url)
    visitor.log_in(USERNAME, PASSWORD)
    answer = _send_invoices(visitor)
    snapshot = follow(visitor, answer["job_id"], deadline=deadline)
    report = check(snapshot, mailbox)
    orders, order_faults = edi_job(_import_orders(visitor, deadline))
    asked = visitor.post_json("/reports/ask/", _whole_journal(visitor))
    snapshot = follow(visitor, asked["job_id"], deadline=deadline)
    made, report_faults = check_report(snapshot, visitor.text(f"{asked['url']}download/"))
    return replace(
        report,
        jobs=[*report.jobs, orders, made],
        faults=[*report.faults, *order_faults, *report_faults],
    )


def follow(visitor: Visitor, job_id: str, *, deadline: float) -> dict[str, Any]:
    """Show a job's progress from its event stream until it ends; return its last snapshot."""
    line = ProgressLine()
    heard = 0
    while time.monotonic() < deadline:
        snapshot = visitor.json(f"/core/sse-progress/{job_id}/")
        line.show(snapshot)
        if snapshot["status"] in TERMINAL:
            line.close(f"{heard} live events")
            return snapshot
        for kind, event in visitor.events(snapshot["stream"]):
            if kind == "stream-reset":
                break  # something may have been missed
            if event.get("job_id") == job_id:
                heard += 1
                line.show(event)
            if event.get("status") in TERMINAL or time.monotonic() > deadline:
                break
        else:
            # The stream broke off: as a browser does, ask for the state, then listen again.
            time.sleep(0.5)
    line.close(f"no end after {heard} live events")
    raise RunFailed(f"Job {job_id} has not ended within {PATIENCE_S:.0f} s.")


def check(snapshot: dict[str, Any], mailbox: Path) -> Report:
    """Compare a mailing's books with themselves and with the mail sink's own folder."""
    job = _books(snapshot)
    received = received_message_ids(mailbox)
    faults = []
    if job["status"] != "completed":
        faults.append(f"the job ended {job['status']}: {snapshot.get('error')}")
    if not _balances(job):
        faults.append("the job's books don't balance")
    if job["total"] != MAILS or job["failed"] != FAILING:
        faults.append(f"{MAILS} mails with {FAILING} failures were expected")
    if len(received) != job["done"]:
        faults.append(f"the books count {job['done']} mails, the sink received {len(received)}")
    if doubled := [key for key, times in received.items() if times > 1]:
        faults.append(f"{len(doubled)} mails arrived more than once, {doubled[0]} for one")
    return Report(jobs=[job], mails_received=len(received), faults=faults)


def edi_job(snapshot: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Compare an import's books with the file that was made for it; give them and what is wrong."""
    job = _books(snapshot)
    faults = []
    if job["status"] != "completed":
        faults.append(f"the EDI import ended {job['status']}: {snapshot.get('error')}")
    if not _balances(job):
        faults.append("the EDI import's books don't balance")
    if (job["total"], job["failed"]) != (ORDERS, BAD_ORDERS):
        faults.append(f"{ORDERS} orders with {BAD_ORDERS} bad ones were expected")
    return job, faults


def check_report(snapshot: dict[str, Any], text: str) -> tuple[dict[str, Any], list[str]]:
    """Compare a report's books with the file that was downloaded; return them and the faults."""
    job = _books(snapshot)
    rows = len(text.splitlines()) - 1
    faults = []
    if job["status"] != "completed":
        faults.append(f"the report ended {job['status']}: {snapshot.get('error')}")
    if not _balances(job):
        faults.append("the report's books don't balance")
    if job["done"] != rows:
        faults.append(f"the books count {job['done']} rows, the file has {rows}")
    return job, faults


def received_message_ids(mailbox: Path) -> Counter[str]:
    """Count the mails in a Maildir by their Message-ID."""
    ids: Counter[str] = Counter()
    for folder in ("new", "cur"):
        for path in (mailbox / folder).glob("*"):
            with path.open("rb") as mail:
                message = email.message_from_binary_file(mail)
            ids[message.get("Message-ID", f"none in {path.name}")] += 1
    return ids


def _send_invoices(visitor: Visitor) -> dict[str, Any]:
    ids: dict[int, None] = {}
    number = 0
    while len(ids) < MAILS:
        number += 1
        page = visitor.page(f"/invoices/?status=unsent&page={number}")
        before = len(ids)
        ids.update(dict.fromkeys(page.invoice_ids))
        if len(ids) == before:
            raise RunFailed(f"The list offers {before} unsent invoices, {MAILS} are needed.")
    return visitor.post_json(
        "/invoices/send/",
        {"invoice_ids": list(ids)[:MAILS], "csrfmiddlewaretoken": page.csrf_token},
    )


def _whole_journal(visitor: Visitor) -> dict[str, str]:
    """Ask for the sales journal of all times."""
    return {
        "kind": "sales-journal",
        "format": "csv",
        "first": "2000-01-01",
        "last": "2099-12-31",
        "csrfmiddlewaretoken": visitor.page("/reports/").csrf_token,
    }


def _import_orders(visitor: Visitor, deadline: float) -> dict[str, Any]:
    plan = Plan(
        messages=ORDERS,
        reference="ONCE",
        first=900_001,
        flaws=(Flaw.QUANTITY, Flaw.COUNT, Flaw.DATE),
        bad=BAD_ORDERS,
    )
    page = visitor.page("/edi/")
    answer = visitor.post_file(
        "/edi/upload/", "files", "commandes.edi", write(plan), page.csrf_token
    )
    return follow(visitor, answer["files"][0]["job_id"], deadline=deadline)


def _books(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Keep what the run's report says of a job."""
    return {
        "job_id": snapshot["job_id"],
        "task_type": snapshot.get("task_type"),
        "status": snapshot["status"],
        "total": snapshot["total"],
        **{name: snapshot["counts"][name] for name in OUTCOMES},
    }


def _balances(job: dict[str, Any]) -> bool:
    return bool(job["left"] == 0 and job["total"] == sum(job[name] for name in OUTCOMES))
