"""An import whose workers are killed again and again imports each message once, and no less."""

from __future__ import annotations

import json
import time
from pathlib import Path
from random import Random

import pytest

from apps.edi.demo_data import Flaw, Plan, write
from heron.demo.stack import WORKER
from tests.support.clerk import TERMINAL, Clerk
from tests.support.live import LiveHeron

pytestmark = [pytest.mark.integration, pytest.mark.kill]

MESSAGES, BAD = 2_000, 8
KILLS = 4

COUNT = """
import json
from django.db.models import Count
from apps.core.models import JobItem
from apps.edi.models import *
print(json.dumps({
    "documents": Document.objects.count(),
    "numbers": Document.objects.values("number").distinct().count(),
    "lines": DocumentLine.objects.count(),
    "messages": dict(EdiMessage.objects.values_list("status").annotate(Count("pk"))),
    "faults": EdiFault.objects.count(),
    "failed": JobItem.objects.filter(outcome="failed").count(),
    "interchange": list(Interchange.objects.values_list("status", flat=True)),
    "acknowledged": Interchange.objects.get().acknowledgement.count("UCM+"),
}))
"""


def test_a_killed_import_goes_on_exactly(own_stack: LiveHeron, tmp_path: Path) -> None:
    plan = Plan(
        messages=MESSAGES, lines=3, flaws=(Flaw.QUANTITY, Flaw.COUNT, Flaw.TRAILER), bad=BAD
    )
    own_stack.python(
        "from apps.edi.models import Partner; "
        f"Partner.objects.create(name='Nord', edi_id='{plan.sender}', qualifier='14')"
    )
    (tmp_path / "orders.edi").write_bytes(write(plan))
    # Nobody begins before somebody is there to kill.
    own_stack.stack.processes.pop(WORKER).kill()
    watching = ("edi_watch", str(tmp_path), "--once", "--settle", "0", "--user", "demo")
    assert own_stack.manage(*watching).strip() == "1 received"
    job_id = own_stack.python(
        "from apps.edi.models import EdiFile; print(EdiFile.objects.get().job_id)"
    ).strip()
    clerk, random = Clerk(own_stack, own_stack.username), Random(7)

    own_stack.stack.launch(WORKER)
    kills = 0
    while kills < KILLS and clerk.snapshot(job_id)["status"] not in TERMINAL:
        clerk.wait_until(
            job_id, lambda state: state["status"] == "running" or state["status"] in TERMINAL
        )
        time.sleep(random.uniform(0, 0.3))
        own_stack.stack.processes.pop(WORKER).kill()
        own_stack.stack.launch(WORKER)
        kills += 1
    state = clerk.wait_for_end(job_id)

    assert kills >= 2
    assert state["status"] == "completed", state
    counts = state["counts"]
    assert (state["total"], counts["done"], counts["failed"], counts["left"]) == (
        MESSAGES,
        MESSAGES - BAD,
        BAD,
        0,
    )
    found = json.loads(own_stack.python(COUNT))
    assert found == {
        "documents": MESSAGES - BAD,
        "numbers": MESSAGES - BAD,
        "lines": 3 * (MESSAGES - BAD),
        "messages": {"imported": MESSAGES - BAD, "rejected": BAD},
        "faults": BAD,
        "failed": BAD,
        "interchange": ["partial"],
        "acknowledged": BAD,
    }
