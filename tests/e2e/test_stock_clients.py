"""Clients that know django-eventstream, and nothing of ours, can't tell the difference."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.support.clerk import Clerk
from tests.support.live import LiveHeron

#: django-eventstream's own scripts, as it ships them.
RECONNECTING = "/static/django_eventstream/reconnecting-eventsource.js"

_PREPARE = """
from django.contrib.auth.models import User
from apps.core.models import SSEProgress
job = SSEProgress.objects.create(user=User.objects.get(username="demo"), task_type="stock")
print(job.job_id)
"""
_DELETE = """
from apps.core.models import SSEProgress
SSEProgress.objects.filter(job_id="{job_id}").delete()
"""
_SEND = """
from django_eventstream import send_event
for seq in range({first}, {first} + {count}):
    send_event("progress-{job_id}", "progress", {{"job_id": "{job_id}", "seq": seq}})
"""
_OPEN = """([address, kinds]) => {
  window.heard = [];
  window.source = new ReconnectingEventSource(address);
  for (const kind of kinds) {
    window.source.addEventListener(kind, (event) =>
      window.heard.push([kind, event.data, event.lastEventId]));
  }
}"""


@pytest.fixture
def job_id(stack: LiveHeron) -> Iterator[str]:
    """A job that no worker has."""
    made = stack.python(_PREPARE).strip()
    yield made
    stack.python(_DELETE.format(job_id=made))


def send(stack: LiveHeron, job_id: str, *, first: int, count: int = 1) -> None:
    """Send events as anybody's code does."""
    stack.python(_SEND.format(job_id=job_id, first=first, count=count))


def until(page: Page, holds: str) -> None:
    """Wait for an expression; the page's own policy forbids Playwright's way of waiting."""
    deadline = time.monotonic() + 30
    while not page.evaluate(holds):
        assert time.monotonic() < deadline, page.evaluate("heard")
        page.wait_for_timeout(50)


def test_django_eventstreams_own_script_hears_everything_across_a_restart(
    page: Page, own_stack: LiveHeron
) -> None:
    job_id = own_stack.python(_PREPARE).strip()
    cookies = Clerk(own_stack, own_stack.username).cookies
    page.context.add_cookies(
        [{"name": n, "value": v, "url": own_stack.base_url} for n, v in cookies.items()]
    )
    page.goto(own_stack.base_url + "/core/jobs/")
    page.add_script_tag(url=own_stack.base_url + RECONNECTING)
    page.evaluate(_OPEN, [f"/core/events/?channel=progress-{job_id}", ["stream-open", "progress"]])
    until(page, "heard.some(([kind]) => kind === 'stream-open')")

    send(own_stack, job_id, first=1)
    until(page, "heard.some(([, data]) => data.includes('\"seq\": 1}'))")
    own_stack.restart_web()
    send(own_stack, job_id, first=2)
    until(page, "heard.some(([, data]) => data.includes('\"seq\": 2}'))")

    heard = page.evaluate("heard")
    assert [kind for kind, _, _ in heard].count("stream-open") >= 2
    assert all(place.startswith(f"progress-{job_id}:") for _, _, place in heard)


def test_curl_reads_the_stream(stack: LiveHeron, clerk: Clerk, job_id: str) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on this machine")
    address = f"{stack.base_url}/core/events/?channel=progress-{job_id}"
    cookie = f"Cookie: sessionid={clerk.cookies['sessionid']}"
    with subprocess.Popen([curl, "-sN", "-H", cookie, address], stdout=subprocess.PIPE) as reading:
        assert reading.stdout is not None
        lines = iter(reading.stdout.readline, b"")
        assert next(lines).startswith(b":  ")
        assert any(line == b"event: stream-open\n" for line in lines)
        send(stack, job_id, first=1)
        assert any(line == b"event: progress\n" for line in lines)
        assert next(lines).startswith(f"id: progress-{job_id}:".encode())
        data = json.loads(next(lines).removeprefix(b"data: "))
        reading.terminate()

    assert data == {"job_id": job_id, "seq": 1}
