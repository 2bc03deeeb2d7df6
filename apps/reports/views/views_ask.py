"""Asking for a report, or for the same again."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from apps.reports import asking
from apps.reports.forms import form_for
from apps.reports.kinds import KINDS
from apps.reports.models import Report

from .views_list import list_page


@login_required
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Start the job of a report; with `do=estimate` only show how big it would be."""
    kind = KINDS.get(request.POST.get("kind", ""))
    if kind is None:
        raise Http404
    form = form_for(kind, request.POST)
    if not form.is_valid():
        return list_page(request, form, status=400)
    if request.POST.get("do") == "estimate":
        fields = {"kind": kind.name, **{name: form.data[name] for name in form.fields}}
        return redirect(f"{reverse('reports:list')}?{urlencode(fields)}")
    fmt = form.cleaned_data["format"]
    refusal = asking.estimate(kind.name, fmt, form.period).refusal
    if refusal:
        form.add_error(None, refusal)
        return list_page(request, form, status=409)
    return _started(request, asking.ask(_asker(request), kind.name, fmt, form.period))


@login_required
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a new report of the same kind for the same time."""
    old = get_object_or_404(Report.objects.visible_to(request.user), pk=pk)
    if old.kind not in KINDS:
        raise Http404
    return _started(request, asking.ask(_asker(request), old.kind, old.format, old.asked))


def _asker(request: HttpRequest) -> AbstractBaseUser:
    """Give who is logged in: the views let nobody else in."""
    return cast(AbstractBaseUser, request.user)


def _started(request: HttpRequest, report: Report) -> HttpResponse:
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse(
            {"success": True, "job_id": report.job_id, "url": report.get_absolute_url()}
        )
    return redirect(report)
