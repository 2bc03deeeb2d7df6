"""A report's file, for who asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO

from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.reports import report_list as listing
from apps.reports import store
from apps.reports.models import Report
from apps.reports.writers import FORMATS

#: Bytes sent at a time.
PIECE = 1 << 18


@login_required
@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Give the file; 404 for anybody else's, and words where there is none (any more)."""
    visible = Report.objects.visible_to(request.user).select_related("job", "owner")
    report = get_object_or_404(visible, pk=pk)
    try:
        file = store.path_of(report.stored_name).open("rb") if report.has_file else None
    except FileNotFoundError:
        file = None
    if file is None:
        return _gone(request, report)
    response = FileResponse(
        file,
        as_attachment=True,
        filename=report.file_name,
        content_type=FORMATS[report.format].content_type,
    )
    response["Cache-Control"] = "private, no-store"
    if isinstance(request, ASGIRequest):
        # Django would read the whole file into memory first.
        response.streaming_content = _pieces(file)
    return response


def _gone(request: HttpRequest, report: Report) -> HttpResponse:
    rows = listing.rows([report])
    context = {"row": rows[0] if rows else None, "report": report}
    return render(request, "reports/gone.html", context, status=410)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece
