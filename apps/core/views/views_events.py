"""The event stream. django-eventstream's own views are not mounted.

They accept a signed `es-meta` that bypasses login and permissions, and `recover` or a malformed
`Last-Event-ID` give errors 500 and broken streams. Here a resume id is ignored on purpose: events
carry the whole state, and a page reads a snapshot each time its stream opens.
"""

from __future__ import annotations

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django_eventstream.utils import add_default_headers, get_channelmanager

from apps.core.conf import conf
from apps.core.live.hub import open_streams
from apps.core.live.stream import stream
from apps.core.views.access import api_login_required, problem


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
    if open_streams.of(user.pk) >= conf.STREAMS_PER_USER:
        response: HttpResponseBase = problem(429, _("Too many pages are open at once."))
        response["Retry-After"] = "5"
        return response
    response = StreamingHttpResponse(stream(channels, user.pk), content_type="text/event-stream")
    add_default_headers(response, request=request)
    return response
