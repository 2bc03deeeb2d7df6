"""The event stream. django-eventstream's own views are not mounted.

They accept a signed `es-meta` that bypasses login and permissions, and `recover` or a malformed
`Last-Event-ID` give errors 500 and broken streams. Here a place that can't be understood is one
that can't be replayed from: the client is told to read the state anew.
"""

from __future__ import annotations

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django_eventstream.utils import add_default_headers, get_channelmanager

from apps.core.conf import conf
from apps.core.live.caps import open_streams
from apps.core.live.event import parse_resume_id
from apps.core.live.permit import PERMIT, Holding
from apps.core.live.rights import Pass
from apps.core.live.stream import stream
from apps.core.views.access import api_login_required, problem

EVENT_STREAM = "text/event-stream"


@require_GET
@api_login_required
def events(request: HttpRequest) -> HttpResponseBase:
    """Answer with the events of the channels asked for, for as long as the reader stays."""
    user = request.user
    manager = get_channelmanager()
    channels: set[str] = set(manager.get_channels_for_request(request, {}))
    if not channels:
        return problem(400, _("Name at least one channel: ?channel=progress-<job id>."))
    if len(channels) > conf.STREAM_CHANNELS:
        return problem(
            400,
            _("At most %(limit)s channels fit into one stream.") % {"limit": conf.STREAM_CHANNELS},
        )
    forbidden = sorted(c for c in channels if not manager.can_read_channel(user, c))
    if forbidden:
        return problem(403, _("You may not read this channel."), channels=forbidden)
    if not isinstance(request, ASGIRequest):
        # Under WSGI the stream would never send a byte; the page polls snapshots instead.
        return problem(501, _("Live events need an ASGI server. Progress is read by polling."))
    address = request.META.get("REMOTE_ADDR") or ""
    refusal = open_streams.refusal(str(user.pk), address)
    if refusal is not None:
        refused = problem(refusal.status, str(refusal.message))
        refused["Retry-After"] = str(refusal.retry_after)
        return refused
    session_key = getattr(getattr(request, "session", None), "session_key", None)
    pass_ = Pass(str(user.pk), session_key, tuple(sorted(channels)))
    resume = parse_resume_id(_last_event_id(request))
    holding = request.scope.get(PERMIT)
    response: HttpResponseBase
    if isinstance(holding, Holding):
        # "Hold this": the wrapper (live/asgi.py) goes on from here.
        holding.pass_, holding.resume = pass_, resume
        response = HttpResponse(content_type=EVENT_STREAM)
    else:
        response = StreamingHttpResponse(stream(pass_, resume, address), content_type=EVENT_STREAM)
    add_default_headers(response, request=request)
    return response


def _last_event_id(request: HttpRequest) -> str:
    """Read where the client was: a browser that comes back knows better than its first address."""
    said = request.headers.get("Last-Event-ID") or ""
    asked = [value for value in request.GET.getlist("lastEventId") if value]
    return said or (asked[-1] if asked else "")
