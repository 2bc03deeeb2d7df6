"""Decisions about items in doubt: one, or all of a job."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core import decisions
from apps.core.errors import NotInDoubtError, NotPossibleNowError
from apps.core.job_text import not_now
from apps.core.ledger import lines
from apps.core.models import Decision
from apps.core.snapshot import snapshot_for_reader
from apps.core.views.access import (
    api_login_required,
    next_page,
    not_found,
    private,
    problem,
    visible_job,
    wants_json,
)


@require_POST
@api_login_required
def sse_progress_decide(request: HttpRequest, job_id: str) -> HttpResponseBase:
    """Decide about items in doubt.

    The fields: `decision` (again, done or skip), and `key` (the ledger line's number) or `all=1`.
    """
    job = visible_job(request, job_id)
    if job is None:
        return not_found()
    decision, key = request.POST.get("decision", ""), request.POST.get("key", "")
    either = bool(key) != (request.POST.get("all") == "1")
    number = key.isascii() and key.isdigit() and len(key) < 19
    if decision not in Decision.values or not either or (key and not number):
        return problem(400, _("Say what to do (again, done or skip), and with which item."))
    item = int(key) if key else None
    if item is not None and not lines(job).filter(pk=item).exists():
        return problem(404, _("There is no such item."))
    refused, decided = "", None
    user = cast("AbstractBaseUser", request.user)
    try:
        decided = decisions.decide(job, Decision(decision), user, item=item)
    except NotPossibleNowError:
        job.refresh_from_db()
        refused = not_now(job)
    except NotInDoubtError:
        refused = _("Nothing is in doubt here any more: it is decided already.")
    if wants_json(request):
        if decided is None:
            return problem(409, refused)
        return private(JsonResponse(snapshot_for_reader(decided.job)))
    if decided is None:
        messages.warning(request, refused)
    else:
        messages.success(request, decisions.tell(decided))
    return redirect(next_page(request) or job.get_absolute_url())
