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
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from apps.core.errors import NotPossibleNowError
from apps.core.models import JobItem, SSEProgress
from apps.core.snapshot import snapshot_for_reader
from apps.core.spreadsheets import defused
from apps.core.verbs import VERBS
from apps.core.views.access import api_login_required, not_found, problem, wants_json

#: The jobs that the list answers with: the newest.
LIST_LENGTH = 100


@require_safe
@api_login_required
def sse_progress_list(request: HttpRequest) -> HttpResponseBase:
    """Answer with the reader's own newest jobs."""
    own = Q(user=cast("AbstractBaseUser", request.user))
    jobs = SSEProgress.objects.filter(own)[:LIST_LENGTH]
    response = JsonResponse({"jobs": [snapshot_for_reader(job) for job in jobs]})
    return _private(response)


@require_safe
@api_login_required
def sse_progress_detail(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Answer with a job's snapshot, or 304 when the reader has it already."""
    job = _visible(request, job_id)
    if job is None:
        return not_found()
    state = snapshot_for_reader(job)
    alive = (state["worker"] or {}).get("alive")
    etag = f'"{job.job_id}-{job.seq}-{state["lang"]}-{alive}"'
    response: HttpResponseBase
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
    else:
        response = JsonResponse(state)
    response["ETag"] = etag
    return _private(response)


@require_POST
@api_login_required
def sse_progress_action(request: HttpRequest, job_id: str, action: str) -> HttpResponseBase:
    """Cancel, pause, resume or retry a job."""
    job = _visible(request, job_id)
    if job is None or action not in VERBS:
        return not_found()
    refused = ""
    try:
        job = VERBS[action](job)
    except NotPossibleNowError:
        job.refresh_from_db()
        refused = _("That is not possible now: the job is “%(status)s”.") % {
            "status": job.get_status_display()
        }
    if wants_json(request):
        if refused:
            return problem(409, refused)
        return _private(JsonResponse(snapshot_for_reader(job)))
    if refused:
        messages.warning(request, refused)
    return redirect(_next(request) or job.get_absolute_url())


@require_GET
@api_login_required
def sse_progress_items(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Answer with a job's ledger as CSV: every item that did not simply succeed."""
    job = _visible(request, job_id)
    if job is None:
        return not_found()
    response = StreamingHttpResponse(_csv_lines(job), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{job.job_id}.csv"'
    return _private(response)


def _visible(request: HttpRequest, job_id: str) -> SSEProgress | None:
    return SSEProgress.objects.visible_to(request.user).filter(job_id=job_id).first()


def _private(response: HttpResponseBase) -> HttpResponseBase:
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response


def _next(request: HttpRequest) -> str | None:
    """Give the page that a form wants to go on to, if it is one of ours."""
    url = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if url and ours else None


class _Line:
    """A file whose `write` gives the line back, for csv.writer."""

    def write(self, line: str) -> str:
        """Give the line back."""
        return line


def _csv_lines(job: SSEProgress) -> Iterator[str]:
    writer = csv.writer(_Line(), delimiter=";")
    yield "\ufeff"  # spreadsheets take the file for UTF-8 only with it
    yield writer.writerow([_("Reference"), _("Outcome"), _("Code"), _("Message"), _("Time")])
    items: Iterator[JobItem] = job.items.order_by("pk").iterator(chunk_size=1000)
    for item in items:
        yield writer.writerow(
            [
                defused(item.ref or item.key),
                item.get_outcome_display(),
                defused(item.code),
                defused(item.text),
                item.at.isoformat(timespec="seconds"),
            ]
        )
