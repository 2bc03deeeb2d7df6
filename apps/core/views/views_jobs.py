"""The pages of jobs: the list and one job. They only show; the API acts."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.core import decisions, job_list
from apps.core.job_row import row_of
from apps.core.models import SSEProgress

#: Jobs a page of the history.
JOBS_PER_PAGE = 20
#: Ledger lines a page.
LINES_PER_PAGE = 50
#: Live bars on the page: as many channels as one stream may carry.
LIVE_BARS = 10


@login_required
@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """Show how the reader's jobs stand, those under way, and the history."""
    tab = request.GET.get("tab", "all")
    search = request.GET.get("q", "").strip()
    under_way = job_list.under_way(request.user)
    page = Paginator(job_list.history(request.user, tab=tab, search=search), JOBS_PER_PAGE)
    shown = page.get_page(request.GET.get("page"))
    context = {
        "overview": job_list.overview(request.user),
        "live_jobs": under_way[:LIVE_BARS],
        "live_total": under_way.count(),
        "tabs": job_list.tabs(request.user, search=search),
        "tab": tab if tab in job_list.TABS else "all",
        "search": search,
        "page": shown,
        "rows": [row_of(job) for job in shown],
    }
    return render(request, "core/jobs.html", context)


@login_required
@require_safe
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Show one job: its bar, its facts and its ledger; 404 for somebody else's."""
    visible = SSEProgress.objects.visible_to(request.user).select_related("user")
    found = get_object_or_404(visible, job_id=job_id)
    outcome = request.GET.get("outcome", "")
    lines = job_list.ledger(found, outcome=outcome).select_related("decided_by")
    page = Paginator(lines, LINES_PER_PAGE)
    tabs = job_list.ledger_tabs(found)
    context = {
        "job": found,
        "row": row_of(found),
        "tabs": tabs,
        "tab": outcome if outcome in {tab.name for tab in tabs} else "",
        "page": page.get_page(request.GET.get("page")),
        "decisions": [(each.value, *decisions.LABELS[each]) for each in decisions.possible(found)],
    }
    return render(request, "core/job.html", context)
