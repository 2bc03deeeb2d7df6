"""Where the events are: Valkey's address and the names of its keys."""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.retry import Retry

#: A channel's events are a stream under this name; new ones are published on the same name.
PREFIX = "heron:live:"
#: Seconds to wait for a connection and for an answer, where EVENTSTREAM_REDIS doesn't say.
TIME_OUTS = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}

_clients: dict[str, Redis] = {}
_lock = threading.Lock()


def key_of(channel: str) -> str:
    """Name the stream of a channel, and the topic on which its new events are published."""
    return PREFIX + channel


def is_configured() -> bool:
    """Tell whether EVENTSTREAM_REDIS says where Valkey is; without it there are no live events."""
    return bool(getattr(settings, "EVENTSTREAM_REDIS", None))


def client() -> Redis:
    """Give this process's client for publishing; it never waits long, and tries twice at most.

    The second try is for a connection that was made before Valkey was restarted.
    """
    options = _options()
    name = repr(sorted(options.items()))
    with _lock:
        if name not in _clients:
            once = Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,))
            _clients[name] = Redis(**{**options, "retry": once})
        return _clients[name]


def async_client() -> AsyncRedis:
    """Make a client for an event loop. It does not try again: its user must hear of each gap."""
    return AsyncRedis(**{**_options(), "retry": AsyncRetry(NoBackoff(), 0), "protocol": 2})


def _options() -> dict[str, Any]:
    return {**TIME_OUTS, **settings.EVENTSTREAM_REDIS}
