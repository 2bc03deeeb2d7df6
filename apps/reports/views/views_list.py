"""Choosing a report, and the list of those that there are."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.statuses import TERMINAL
from apps.reports import report_list as listing
from apps.reports.asking import estimate
from apps.reports.forms import AnyReportForm, form_for
from apps.reports.kinds import KINDS
from apps.reports.models import Report

REPORTS_PER_PAGE = 25
#: Bars shown at once.
LIVE = 5


@login_required
@require_safe
def report_list(request: HttpRequest) -> HttpResponse:
    """Show the form of one kind of report with an estimate, and the reader's reports."""
    kind = KINDS.get(request.GET.get("kind", ""), next(iter(KINDS.values())))
    return list_page(request, form_for(kind, request.GET))


def list_page(request: HttpRequest, form: AnyReportForm, *, status: int = 200) -> HttpResponse:
    """Render the page around a form."""
    kind = form.kind
    guess = (
        estimate(kind.name, form.cleaned_data["format"], form.period) if form.is_valid() else None
    )
    reports = Report.objects.visible_to(request.user).select_related("job", "owner")
    page = Paginator(reports, REPORTS_PER_PAGE).get_page(request.GET.get("page"))
    live = reports.filter(job__isnull=False).exclude(job__status__in=TERMINAL)
    context = {
        "kinds": KINDS.values(),
        "kind": kind,
        "form": form,
        "estimate": guess,
        "page": page,
        "rows": listing.rows(page.object_list),
        "live": listing.rows(live[:LIVE]),
    }
    return render(request, "reports/list.html", context, status=status)
