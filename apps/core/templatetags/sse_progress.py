"""Show a job's bar: `{% sse_progress job %}`, or the guide's include of the same template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.core.job_row import JobRow, progress_of, row_of
from apps.core.live.channels import job_channel
from apps.core.live.start import place, stream_start
from apps.core.models import SSEProgress
from apps.core.snapshot import snapshot_for_reader
from apps.core.statuses import TERMINAL, Status

register = template.Library()

STYLESHEET = "css/sse_progress.css"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What the bar shows before, or without, its script."""

    #: The snapshot, which the script goes on from.
    state: dict[str, Any]
    row: JobRow
    #: As the script's `data-state`: the status, or "partial".
    view: str
    #: The state in a word or four.
    label: Any
    #: "10%"; empty before the job has begun, or while nobody knows.
    percent: str
    #: "4 of 40 invoices"; empty before the job has begun.
    progress: str
    #: The line beside the state.
    subtitle: str
    is_over: bool
    #: The result's links, but not one to the page that shows them.
    links: list[dict[str, Any]]


@register.inclusion_tag("core/sse_progress_bar.html", takes_context=True)
def sse_progress(
    context: Context,
    job: SSEProgress,
    *,
    title: str = "",
    icon: str = "",
    variant: str = "",
    heading_level: int = 3,
    hide_heading: bool = False,
) -> dict[str, Any]:
    """Render the bar of `job`; a hidden heading still names it to assistive tools."""
    return {
        "request": context.get("request"),
        "csrf_token": context.get("csrf_token"),
        "job_id": job.job_id,
        # The bar is read anew: what else the page shows may be as old as this.
        "page_seq": job.seq,
        "title": title,
        "icon": icon,
        "variant": variant,
        "heading_level": heading_level,
        "hide_heading": hide_heading,
    }


@register.simple_tag(takes_context=True)
def sse_progress_stylesheet(context: Context) -> SafeString | str:
    """Link the bar's style sheet, once a page: in its head, or else with its first bar."""
    request = context.get("request")
    if getattr(request, "_sse_progress_styled", False):
        return ""
    if request is not None:
        request._sse_progress_styled = True
    return format_html('<link rel="stylesheet" href="{}">', static(STYLESHEET))


@register.simple_tag(takes_context=True)
def sse_progress_bar(context: Context, job_id: object) -> Bar | None:
    """Read a job for the page's reader; None for a job that is not there or not theirs."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if not isinstance(request, HttpRequest) or user is None:
        return None
    channels = [job_channel(str(job_id))]
    at = place(channels)  # before the row is read: what comes after is sent by the stream
    job = SSEProgress.objects.visible_to(user).filter(job_id=str(job_id)).first()
    if job is None:
        return None
    bar = _bar(job, request.path)
    bar.state["stream"] = stream_start(request, channels, at)
    return bar


def _bar(job: SSEProgress, path: str) -> Bar:
    state = snapshot_for_reader(job)
    row = row_of(job)
    result = state["result"] or {}
    partial = job.status == Status.COMPLETED and bool(job.failed_items or job.in_doubt_items)
    over = job.status in TERMINAL
    begun = job.status != Status.PENDING or state["current"] > 0
    return Bar(
        state=state,
        row=row,
        view="partial" if partial else str(job.status),
        label=_("Completed with errors") if partial else row.label,
        percent=gettext("%(percent)s%%") % state if begun and state["percent"] is not None else "",
        progress=progress_of(job) if begun else "",
        subtitle="" if state["error"] else (over and result.get("summary")) or state["message"],
        is_over=over,
        links=[link for link in result.get("links", []) if link["href"] != path],
    )
