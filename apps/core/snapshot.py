"""The public state of a job: one wire format for the API, the events and the templates.

Everything is computed from the row (and its ledger), so a finished job's page needs nothing else.
Texts are in the active language, named by `lang`.
"""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import Any

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from apps.core import verbs
from apps.core.conf import conf
from apps.core.ledger import lines
from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.statuses import LEASED, Status
from apps.core.texts import render

VERSION = 1
#: Outcomes that a person should look at.
NOTABLE = (Outcome.FAILED, Outcome.IN_DOUBT, Outcome.WARNING)


def snapshot(job: SSEProgress, kind: str = "") -> dict[str, Any]:
    """Describe a job; `kind` is the event's, and empty for a snapshot."""
    now = timezone.now()
    books = job.books
    return {
        "v": VERSION,
        "job_id": job.job_id,
        "seq": job.seq,
        "kind": kind,
        "lang": (translation.get_language() or "").split("-")[0],
        "task_type": job.task_type,
        "status": str(job.status),
        "title": job.title_text,
        "message": message_text(job),
        "current": books.processed,
        "total": books.total,
        "percent": percent(job),
        "counts": books.counts(),
        "success_count": books.done,
        "failed_items": books.failed,
        "unit": _unit(job),
        "stage": _stage(job),
        "rate": job.rate if job.status in LEASED else None,
        "eta_s": _eta(job),
        "elapsed_s": _elapsed(job, now),
        "resumes_in_s": _resumes_in(job, now),
        "queue_position": None,
        "warnings": _warnings(job),
        "result": _result(job),
        "error": _error(job),
        "worker": _worker(job, now),
    }


def snapshot_for_reader(job: SSEProgress) -> dict[str, Any]:
    """Describe a job, with what its reader may do about it."""
    state = snapshot(job)
    if job.in_doubt_items and (job.is_terminal or job.status == Status.PAUSED):
        result = state["result"] or {"summary": "", "links": []}
        state["result"] = {**result, "links": [*result["links"], _decide_link(job)]}
    return {**state, "actions": actions(job)}


def actions(job: SSEProgress) -> list[dict[str, Any]]:
    """List what may be asked of a job now, for buttons and forms."""
    listed = []
    for name in verbs.possible(job):
        action = {
            "name": name,
            "label": _label(job, name),
            "url": reverse("core:sse_progress_action", args=[job.job_id, name]),
            "method": "POST",
        }
        if name in verbs.CONFIRMATIONS:
            action["confirm"] = str(verbs.CONFIRMATIONS[name])
        listed.append(action)
    return listed


def percent(job: SSEProgress) -> int | None:
    """Give the share of the work that is over, 0 to 100; None while the total is unknown.

    Rounded down, and 100 only once the job is completed.
    """
    if job.status == Status.COMPLETED:
        return 100
    inside: float | None = None
    if job.total_items:
        inside = min(1.0, job.processed_items / job.total_items)
    elif job.total_items == 0:
        inside = 0.0
    stage = job.stage or {}
    if stage:
        inside = float(stage["base"]) + float(stage["share"]) * (inside or 0.0)
    return None if inside is None else min(99, int(inside * 100))


def message_text(job: SSEProgress) -> str:
    """Give the job's message in the active language, or what its state says by itself."""
    if job.not_before is not None and job.actor and _is_put_off(job, timezone.now()):
        at = date_format(timezone.localtime(job.not_before), "TIME_FORMAT")
        reason = _sentence(render(job.message, job.message_params))
        # In English the time may end in "a.m.", which is full stop enough.
        then = (gettext("Next try at %(time)s.") % {"time": at}).replace("..", ".")
        return f"{reason} {then}".strip()
    if job.status == Status.PENDING and job.actor:
        if job.enqueued_at is None:
            return gettext("Waiting for the queue.")
        return gettext("Waiting for a worker.")
    return render(job.message, job.message_params)


def _sentence(text: str) -> str:
    """End a text that another one is to follow, such as a mail server's words."""
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


def _decide_link(job: SSEProgress) -> dict[str, str]:
    """Lead to where a person decides about the items in doubt."""
    label = ngettext(
        "Decide about the one in doubt",
        "Decide about the %(count)s in doubt",
        job.in_doubt_items,
    )
    return {
        "label": label % {"count": job.in_doubt_items},
        "href": f"{job.get_absolute_url()}?outcome=in_doubt",
    }


def _label(job: SSEProgress, name: str) -> str:
    if name == "retry" and job.failed_items and job.books.left == 0:
        return ngettext(
            "Retry the failed one", "Retry the %(count)s failed ones", job.failed_items
        ) % {"count": job.failed_items}
    return str(verbs.LABELS[name])


def _unit(job: SSEProgress) -> dict[str, str]:
    if not job.unit:
        return {}
    one, other = job.unit["one"], job.unit["other"]
    return {"one": ngettext(one, other, 1), "other": ngettext(one, other, 2)}


def _stage(job: SSEProgress) -> dict[str, Any] | None:
    stage = job.stage or {}
    if not stage:
        return None
    return {
        "index": stage["index"],
        "count": stage.get("count"),
        "label": render(stage.get("label", "")),
    }


def _elapsed(job: SSEProgress, now: datetime) -> int | None:
    if job.started_at is None:
        return None
    return max(0, int(((job.finished_at or now) - job.started_at).total_seconds()))


def _eta(job: SSEProgress) -> int | None:
    left = job.books.left
    if job.status != Status.RUNNING or not job.rate or left is None:
        return None
    return round(left / job.rate)


def _resumes_in(job: SSEProgress, now: datetime) -> int | None:
    """Give the seconds until a waiting job may be tried again; None when it need not wait."""
    if not _is_put_off(job, now) or job.not_before is None:
        return None
    return ceil((job.not_before - now).total_seconds())


def _is_put_off(job: SSEProgress, now: datetime) -> bool:
    """Tell whether a job waits for its time, or all that is left of a fanned-out one does."""
    waits = job.status == Status.PENDING or (job.fanned_out and job.status == Status.RUNNING)
    return waits and job.not_before is not None and job.not_before > now


def _warnings(job: SSEProgress) -> dict[str, Any]:
    total = job.warning_count
    if job.actor:
        # A plain job's failures have no line of their own; its author warns about them.
        total += job.failed_items + job.in_doubt_items
    newest: list[JobItem] = []
    if total:
        notable = lines(job).filter(outcome__in=NOTABLE)
        newest = list(notable.order_by("-pk")[: conf.SNAPSHOT_WARNINGS])
    return {
        "total": total,
        "items": [
            {"ref": item.ref, "code": item.code, "message": item.text} for item in reversed(newest)
        ],
        "href": reverse("core:sse_progress_items", args=[job.job_id]) if total else None,
    }


def _result(job: SSEProgress) -> dict[str, Any] | None:
    stored = job.result or {}
    if not stored:
        return None
    return {
        "summary": render(stored.get("summary", ""), stored.get("params")),
        "links": [
            {**link, "label": render(link.get("label", ""))} for link in stored.get("links", [])
        ],
    }


def _error(job: SSEProgress) -> dict[str, Any] | None:
    stored = job.error or {}
    if not stored:
        return None
    return {
        "code": stored.get("code", ""),
        "message": render(stored.get("message", ""), stored.get("params")),
        "hint": render(stored.get("hint", "")),
        "ref": job.job_id[:8],
    }


def _worker(job: SSEProgress, now: datetime) -> dict[str, Any] | None:
    if job.status not in LEASED:
        return None
    if job.fanned_out:
        leases = job.parts.filter(status__in=LEASED).values_list("lease_until", flat=True)
        if not leases:
            return None  # all parts wait for a worker
        alive = any(until is not None and until >= now for until in leases)
    else:
        alive = job.lease_until is not None and job.lease_until >= now
    return {"alive": alive, "seen_s": max(0, int((now - job.updated_at).total_seconds()))}
