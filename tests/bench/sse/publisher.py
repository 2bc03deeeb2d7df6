"""A process that publishes jobs' states, as a worker: `python -m tests.bench.sse.publisher heron`.

It reads one command a line and answers each when it is done. Heron's events go the way that a
worker's do; the others' as their own documentation says. It issues tickets for streams too.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.core.models import SSEProgress

Send = Callable[["SSEProgress"], None]


def main(kind: str) -> None:
    """Serve until the input ends. The first line names the jobs and their owners."""
    import django

    django.setup()
    from tests.bench.sse import states, tickets

    send = SENDERS[kind]()
    rows = [states.job(job_id, owner) for job_id, owner in json.loads(sys.stdin.readline())]
    answer({"ready": len(rows)})
    for line in sys.stdin:
        command = json.loads(line)
        if "tickets" in command:
            answer({"tickets": tickets.issue(command["tickets"])})
        else:
            answer(publish(rows, send, **command))


def publish(
    rows: list[SSEProgress],
    send: Send,
    *,
    first: int,
    jobs: int,
    events: int,
    rate: float,
    write: bool,
) -> dict[str, Any]:
    """Send so many events in turns to jobs, `rate` a second; as fast as it goes when that is 0.

    With `write`, each row is written before, as workers do.
    """
    from tests.bench.sse import states

    began = time.monotonic()
    late = 0.0
    for number in range(events):
        if rate:
            wait = began + number / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            late = max(late, -wait)
        row = rows[first + number % jobs]
        states.advance(row)
        if write:
            type(row).objects.filter(pk=row.pk).update(
                seq=row.seq, processed_items=row.processed_items, message=row.message
            )
        send(row)
    seqs = [row.seq for row in rows[first : first + jobs]]
    return {"seconds": time.monotonic() - began, "late_s": late, "seqs": seqs}


def heron() -> Send:
    """Publish as the product's rows do."""
    from apps.core.live.breaker import breaker
    from apps.core.live.courier import Letter
    from apps.core.live.publisher import publisher

    def send(row: SSEProgress) -> None:
        publisher.publish([Letter(row, "progress")])
        if breaker.is_open:
            raise RuntimeError("not published")

    return send


def soak() -> Send:
    """Publish as the product's rows do, and let it owe what can't be told just now."""
    from apps.core.live.publisher import publisher

    return lambda row: publisher.announce(row, "progress", urgent=False)


def stock() -> Send:
    """Publish with django-eventstream."""
    from django_eventstream import send_event

    from apps.core.live.channels import job_channel
    from tests.bench.sse.states import payload

    return lambda row: send_event(job_channel(row.job_id), "progress", payload(row))


def bare() -> Send:
    """Publish a line with the channel and a line with the data, for peers/bare.py."""
    import redis

    from tests.bench.peers.bare import TOPIC
    from tests.bench.sse.states import payload

    client = redis.Redis.from_url(os.environ["REDIS_URL"])

    def send(row: SSEProgress) -> None:
        client.publish(TOPIC, f"{row.job_id}\n{json.dumps(payload(row))}")

    return send


def nchan() -> Send:
    """Post to nginx."""
    from tests.bench.sse.states import payload

    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["BENCH_PORT"]))

    def send(row: SSEProgress) -> None:
        body = json.dumps(payload(row))
        connection.request("POST", f"/pub?channel={row.job_id}", body)
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"nginx answers {answer.status}")

    return send


SENDERS: dict[str, Callable[[], Send]] = {
    "heron": heron,
    "soak": soak,
    "stock": stock,
    "bare": bare,
    "nchan": nchan,
}


def answer(told: dict[str, Any]) -> None:
    """Say something to the bench."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
