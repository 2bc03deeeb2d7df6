"""The states that all contenders send alike: what the product says of a job half done."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.core.models import SSEProgress
from apps.core.snapshot import snapshot
from apps.core.statuses import Status

TOTAL = 8000


def job(job_id: str, owner_id: int) -> SSEProgress:
    """Make a job's row, unsaved."""
    now = timezone.now()
    return SSEProgress(
        job_id=job_id,
        user_id=owner_id,
        task_type="email_sending",
        title="Sending of invoices",
        status=Status.RUNNING,
        actor="send_invoices",
        queue="mail",
        language="fr",
        total_items=TOTAL,
        unit={"one": "invoice", "other": "invoices"},
        stage={"index": 2, "count": 3, "label": "Sending", "base": 0.2, "share": 0.6},
        rate=118.4,
        started_at=now,
        lease_until=now + timedelta(hours=1),
    )


def advance(row: SSEProgress) -> None:
    """Give the row its next state, stamped with this machine's clock."""
    row.seq += 1
    row.processed_items = min(TOTAL, row.seq)
    row.message = f"sent={time.monotonic_ns()}"


def payload(row: SSEProgress) -> dict[str, Any]:
    """Describe the row as its events do."""
    return snapshot(row, "progress")
