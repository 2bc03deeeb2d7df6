"""The progress API: snapshots, verbs and the ledger."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import cast

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q
from django.http import (
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotModified,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from apps.core.errors import NotPossibleNowError
from apps.core.job_text import not_now
from apps.core.ledger import lines
from apps.core.live.channels import job_channel, user_channel
from apps.core.live.start import place, stream_start
from apps.core.models import JobItem, SSEProgress
from apps.core.snapshot import snapshot_for_reader
from apps.core.spreadsheets import defused
from apps.core.verbs import VERBS
from apps.core.views.access import (
    api_login_required,
    next_page,
    not_found,
    private,
    problem,
    visible_job,
    wants_json,
)

#: The jobs that the list answers with: the newest.
LIST_LENGTH = 100


@require_safe
@api_login_required
def sse_progress_list(request: HttpRequest) -> HttpResponseBase:
    """Answer with the reader's own newest jobs."""
    channels = [user_channel(request.user.pk)]
    at = place(channels)
    own = Q(user=cast("AbstractBaseUser", request.user))
    jobs = [
        snapshot_for_reader(job) for job in SSEProgress.objects.whole().filter(own)[:LIST_LENGTH]
    ]
    return private(JsonResponse({"jobs": jobs, "stream": stream_start(request, channels, at)}))


@require_safe
@api_login_required
def sse_progress_detail(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Answer with a job's snapshot, or 304 when the reader has it already."""
    channels = [job_channel(job_id)]
    at = place(channels)  # before the row is read: what comes after is sent by the stream
    job = visible_job(request, job_id)
    if job is None:
        return not_found()
    state = snapshot_for_reader(job)
    alive = (state["worker"] or {}).get("alive")
    etag = f'"{job.job_id}-{job.seq}-{state["lang"]}-{alive}"'
    response: HttpResponseBase
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
    else:
        response = JsonResponse({**state, "stream": stream_start(request, channels, at)})
    response["ETag"] = etag
    return private(response)


@require_POST
@api_login_required
def sse_progress_action(request: HttpRequest, job_id: str, action: str) -> HttpResponseBase:
    """Cancel, pause, resume or retry a job."""
    job = visible_job(request, job_id)
    if job is None or action not in VERBS:
        return not_found()
    refused = ""
    try:
        job = VERBS[action](job)
    except NotPossibleNowError:
        job.refresh_from_db()
        refused = not_now(job)
    if wants_json(request):
        if refused:
            return problem(409, refused)
        return private(JsonResponse(snapshot_for_reader(job)))
    if refused:
        messages.warning(request, refused)
    return redirect(next_page(request) or job.get_absolute_url())


@require_GET
@api_login_required
def sse_progress_items(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Answer with a job's ledger as CSV: every item that did not simply succeed."""
    job = visible_job(request, job_id)
    if job is None:
        return not_found()
    response = StreamingHttpResponse(_csv_lines(job), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{job.job_id}.csv"'
    return private(response)


class _Line:
    """A file whose `write` gives the line back, for csv.writer."""

    def write(self, line: str) -> str:
        """Give the line back."""
        return line


def _csv_lines(job: SSEProgress) -> Iterator[str]:
    writer = csv.writer(_Line(), delimiter=";")
    yield "\ufeff"  # spreadsheets take the file for UTF-8 only with it
    yield writer.writerow(
        [
            _("Reference"),
            _("Outcome"),
            _("Code"),
            _("Message"),
            _("Time"),
            _("Decision"),
            _("Decided by"),
            _("Decided at"),
        ]
    )
    found = lines(job).select_related("decided_by").order_by("pk")
    items: Iterator[JobItem] = found.iterator(chunk_size=1000)
    for item in items:
        yield writer.writerow(
            [
                defused(item.ref or item.key),
                item.get_outcome_display(),
                defused(item.code),
                defused(item.text),
                item.at.isoformat(timespec="seconds"),
                item.get_decision_display(),
                defused(item.decided_by.get_username() if item.decided_by else ""),
                item.decided_at.isoformat(timespec="seconds") if item.decided_at else "",
            ]
        )
