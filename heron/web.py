"""What gunicorn needs from Heron: its worker class and its access log.

Both live here because gunicorn names them by import path (see `deploy/gunicorn.conf.py`). The
master process imports this module once: nothing in it may import Django, or a reload would keep
running the old code.
"""

from __future__ import annotations

import copy
import logging

from pythonjsonlogger.json import JsonFormatter
from uvicorn_worker import UvicornWorker  # type: ignore[import-untyped]

#: Seconds that a stopping worker leaves to open requests before it closes them. Event streams end
#: by themselves (`apps/core/live/shutdown.py`); a client that doesn't read holds a stop up so long.
GRACEFUL_SHUTDOWN_SECONDS = 2


class HeronWorker(UvicornWorker):  # type: ignore[misc]
    """Serve Heron with uvicorn under gunicorn, and stop in time although streams are open.

    gunicorn doesn't hand its `graceful_timeout` to uvicorn, which then waits for open requests for
    ever: a restart ends in SIGKILL, and a reload leaves the old code running until `timeout`.
    """

    CONFIG_KWARGS = {
        **UvicornWorker.CONFIG_KWARGS,
        # Django has no lifespan protocol; what holds the streams has (`apps/core/live/asgi.py`).
        "lifespan": "on",
        "timeout_graceful_shutdown": GRACEFUL_SHUTDOWN_SECONDS,
    }


class AccessFormatter(JsonFormatter):
    """Write one JSON object per answered request, without the query string.

    A query can hold a person's search or a token; the path says enough to find a request.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return uvicorn's access record as JSON; any other record as its plain message."""
        match record.args:
            case (client, method, str(target), _, status):
                path = target.partition("?")[0]
                record = copy.copy(record)  # other handlers get the record as it was
                record.args = ()
                record.msg = {
                    "message": f"{method} {path} {status}",
                    "client": str(client).rpartition(":")[0],
                    "method": method,
                    "path": path,
                    "status": status,
                }
        return super().format(record)
