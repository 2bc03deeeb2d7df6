"""Who may see a job, and how it is answered: the same in every view of the API."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from apps.core.models import SSEProgress

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def problem(status: int, message: str, **extra: object) -> JsonResponse:
    """Answer with an error that a program and a person can read."""
    response = JsonResponse({"error": message, **extra}, status=status)
    response["Cache-Control"] = "no-store"
    return response


def api_login_required(view: View[P]) -> View[P]:
    """Answer 401 as JSON to strangers: a redirect to a login page would look like a state."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return problem(401, _("Your session has ended. Log in again."))
        return view(request, *args, **kwargs)

    return guarded


def visible_job(request: HttpRequest, job_id: str) -> SSEProgress | None:
    """Find a job if the reader may see it."""
    return SSEProgress.objects.visible_to(request.user).filter(job_id=job_id).first()


def private(response: HttpResponseBase) -> HttpResponseBase:
    """Mark an answer as one reader's own, in their language."""
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response


def next_page(request: HttpRequest) -> str | None:
    """Give the page that a form wants to go on to, if it is one of ours."""
    url = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if url and ours else None


def not_found() -> JsonResponse:
    """Answer for a job that does not exist, or that is somebody else's: nobody can tell which."""
    return problem(404, _("There is no such job."))


def wants_json(request: HttpRequest) -> bool:
    """Tell a program's request from a form's."""
    return "application/json" in request.headers.get("Accept", "")
