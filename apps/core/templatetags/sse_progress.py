"""Show a job's bar: `{% sse_progress job %}`, or the guide's include of the same template."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import RequestContext

from apps.core.models import SSEProgress
from apps.core.snapshot import snapshot_for_reader

register = template.Library()


@register.inclusion_tag("core/sse_progress_bar.html", takes_context=True)
def sse_progress(
    context: RequestContext,
    job: SSEProgress,
    *,
    title: str = "",
    icon: str = "",
    variant: str = "",
) -> dict[str, Any]:
    """Render the bar of `job`."""
    return {
        "request": context.get("request"),
        "csrf_token": context.get("csrf_token"),
        "job_id": job.job_id,
        "title": title,
        "icon": icon,
        "variant": variant,
    }


@register.simple_tag(takes_context=True)
def sse_progress_state(context: RequestContext, job_id: object) -> dict[str, Any] | None:
    """Read a job's state for the page's reader; None for a job that is not there or not theirs."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if user is None:
        return None
    job = SSEProgress.objects.visible_to(user).filter(job_id=str(job_id)).first()
    return None if job is None else snapshot_for_reader(job)
