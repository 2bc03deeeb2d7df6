"""One report: its job's bar, then its file."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.reports import report_list as listing
from apps.reports.models import Report


@login_required
@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a report to who asked for it and to staff; 404 for anybody else."""
    visible = Report.objects.visible_to(request.user).select_related("job", "owner")
    rows = listing.rows([get_object_or_404(visible, pk=pk)])
    if not rows:
        raise Http404
    return render(request, "reports/report.html", {"row": rows[0], "report": rows[0].report})
