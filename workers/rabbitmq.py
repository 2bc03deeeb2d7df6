"""RabbitMQ instead of Valkey for messages: `BROKER_URL=amqp://…`. Events stay in Valkey.

RabbitMQ pushes messages, so idle workers need no waking.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import Middleware
from dramatiq.worker import Worker

#: How long a page or a job waits for a broker that does not answer, where BROKER_URL doesn't say.
TIME_OUTS = {"connection_attempts": "1", "socket_timeout": "1", "blocked_connection_timeout": "5"}


class HeronRabbitmqBroker(RabbitmqBroker):
    """Dramatiq's RabbitMQ broker, which leaves no connections behind in a web process.

    It keeps a connection per thread, and a web server takes new threads all the time.
    """

    def __init__(self, *, url: str, middleware: list[Middleware]) -> None:
        self._keeps_connections = False
        super().__init__(
            url=with_time_outs(url), confirm_delivery=True, middleware=[Boot(), *middleware]
        )

    def keep_connections(self) -> None:
        """Keep them from now on: a worker's threads stay."""
        self._keeps_connections = True

    def enqueue(
        self, message: dramatiq.Message[object], *, delay: int | None = None
    ) -> dramatiq.Message[object]:
        """Enqueue a message."""
        try:
            return super().enqueue(message, delay=delay)
        finally:
            if not self._keeps_connections:
                del self.connection


class Boot(Middleware):
    """Tells the broker that it serves a worker."""

    def before_worker_boot(self, broker: dramatiq.Broker, worker: Worker) -> None:
        """Keep connections."""
        if isinstance(broker, HeronRabbitmqBroker):
            broker.keep_connections()


def with_time_outs(url: str) -> str:
    """Add to an AMQP URL how long to wait for the server."""
    parts = urlsplit(url)
    query = {**TIME_OUTS, **dict(parse_qsl(parts.query))}
    return parts._replace(query=urlencode(query)).geturl()
