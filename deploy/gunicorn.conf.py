"""gunicorn's settings in production; `deploy/README.md` explains the choices and their figures.

The socket comes from systemd (`heron-web.socket`), or from `--bind` on the command line.
"""

from __future__ import annotations

import os
from pathlib import Path

#: From any working directory, `heron` is found beside `deploy`.
chdir = str(Path(__file__).resolve().parent.parent)

wsgi_app = "heron.asgi:application"
worker_class = "heron.web.HeronWorker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))

#: Seconds without a heartbeat of a worker's event loop before it is replaced. It says nothing
#: about how long a request, a stream or a job may last.
timeout = 60
#: Seconds that the master waits for stopping workers before it kills them. Longer than
#: `heron.web.GRACEFUL_SHUTDOWN_SECONDS`, which closes the streams first.
graceful_timeout = 20
keepalive = 5
#: Off: a stream counts as one request, and a worker that waits for its streams serves nobody.
max_requests = 0

#: The heartbeat file is touched every second: on a busy disk that could block the event loop.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
#: Nobody uses it, and it would be created in the home directory, which the service hasn't got.
control_socket_disable = True

accesslog = "-"
_LINE = {
    "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
    # With the offset: master and workers don't live in the same time zone, Django sets theirs.
    "datefmt": "%Y-%m-%dT%H:%M:%S%z",
    "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
}
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "pythonjsonlogger.json.JsonFormatter", **_LINE},
        "access": {"()": "heron.web.AccessFormatter", **_LINE},
    },
    "handlers": {
        "error": {"class": "logging.StreamHandler", "formatter": "json"},
        "access": {
            "class": "logging.StreamHandler",
            "formatter": "access",
            "stream": "ext://sys.stdout",
        },
    },
    "root": {"handlers": ["error"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {"handlers": ["error"], "propagate": False},
        "gunicorn.access": {"handlers": ["access"], "propagate": False},
    },
}


def post_worker_init(worker: object) -> None:
    """Load all pages before the first request.

    Django would do it then, and an upgrade may have put other files in their place by that time.
    """
    from importlib import import_module

    from django.conf import settings

    import_module(settings.ROOT_URLCONF)
