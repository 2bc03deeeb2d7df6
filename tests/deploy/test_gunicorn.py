"""gunicorn with our settings: it boots, stops in time, reloads for real, and logs no secrets."""

from __future__ import annotations

import json
import logging
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from redis import Redis

from heron.web import AccessFormatter
from tests.deploy.servers import DEPLOY, PATIENCE_SECONDS, REPO, Gunicorn, Launcher, manage

CONFIG = str(DEPLOY / "gunicorn.conf.py")
ENDLESS = "tests.deploy.endless:application"
LOGIN = "/accounts/login/"

pytestmark = pytest.mark.integration


def check_config(env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gunicorn", "-c", CONFIG, "--check-config"]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def assert_every_worker_ended_by_itself(server: Gunicorn) -> None:
    """Compare uvicorn's first and last words: gunicorn doesn't log whom it kills at a stop."""
    log = server.log()
    assert log.count("Started server process") > 0
    assert log.count("Finished server process") == log.count("Started server process")


def test_the_settings_are_accepted_from_any_working_directory(
    site: dict[str, str], folder: Path
) -> None:
    checked = check_config(site, cwd=folder)

    assert checked.returncode == 0, checked.stderr


def test_the_check_before_a_reload_refuses_an_application_that_does_not_start(
    site: dict[str, str],
) -> None:
    broken = {**site, "DATABASE_URL": "nonsense"}

    checked = check_config(broken, cwd=REPO)

    assert checked.returncode != 0


def test_a_worker_has_loaded_all_pages_before_its_first_request(
    gunicorn: Launcher, site: dict[str, str]
) -> None:
    broken = {**site, "DJANGO_SETTINGS_MODULE": "tests.deploy.unroutable"}

    server = gunicorn("-c", CONFIG, env=broken)

    assert server.process.wait(PATIENCE_SECONDS) != 0
    assert "No module named 'no_such_urls'" in server.log()


def test_the_login_page_is_served(gunicorn: Launcher, site: dict[str, str]) -> None:
    server = gunicorn("-c", CONFIG, env=site)
    server.wait_until_it_answers(LOGIN)

    with server.client() as client:
        page = client.get(LOGIN)

    assert page.status_code == 200
    assert "csrfmiddlewaretoken" in page.text
    assert server.stop() == 0


def test_the_guides_own_command_still_works(gunicorn: Launcher, site: dict[str, str]) -> None:
    guide = ["--access-logfile", "-", "-k", "uvicorn.workers.UvicornWorker", "--timeout", "1200"]
    server = gunicorn(*guide, "--workers", "2", "heron.asgi:application", env=site)
    server.wait_until_it_answers(LOGIN)

    with server.client() as client:
        page = client.get(LOGIN)

    assert page.status_code == 200
    assert server.stop() == 0


def test_a_stop_closes_requests_that_never_end_so_that_no_worker_has_to_be_killed(
    gunicorn: Launcher, site: dict[str, str]
) -> None:
    server = gunicorn("-c", CONFIG, ENDLESS, env=site)
    server.wait_until_it_answers("/")

    with server.client() as client, client.stream("GET", "/") as stream:
        chunks = stream.iter_text()
        next(chunks)
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)

    assert server.process.wait(PATIENCE_SECONDS) == 0
    assert_every_worker_ended_by_itself(server)


@pytest.fixture(scope="module")
def cookies(site: dict[str, str]) -> dict[str, str]:
    """Log somebody in who may read jobs-1."""
    made = manage("shell", "--no-imports", "--command", _LOG_IN, env=site)
    return {"sessionid": made.stdout.strip()}


_LOG_IN = """
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_user("reader", pk=1))
print(client.cookies["sessionid"].value)
"""
EVENTS = "/core/events/?channel=jobs-1"


@contextmanager
def open_streams(server: Gunicorn, cookies: dict[str, str], count: int) -> Iterator[list[Reading]]:
    """Open streams, each on a connection of its own, up to their first word."""
    with ExitStack() as stack:
        streams = []
        for _ in range(count):
            client = stack.enter_context(server.client())
            client.cookies.update(cookies)
            response = stack.enter_context(client.stream("GET", EVENTS))
            assert response.status_code == 200
            streams.append(Reading(response))
        for stream in streams:
            stream.until("event: stream-open")
        yield streams


class Reading:
    """What has been read of a stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.text = ""
        self._chunks = response.iter_text()

    def until(self, wanted: str) -> None:
        while wanted not in self.text:
            self.text += next(self._chunks)

    def to_the_end(self) -> str:
        """Read on; httpx raises unless the stream ends as it should."""
        return self.text + "".join(self._chunks)


def test_a_stop_ends_the_event_streams_at_once_with_a_time_to_come_back_after(
    gunicorn: Launcher, site: dict[str, str], cookies: dict[str, str]
) -> None:
    server = gunicorn("-c", CONFIG, env={**site, "WEB_CONCURRENCY": "2"})
    server.wait_until_it_answers(LOGIN)

    with open_streams(server, cookies, 12) as streams:
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        said = [stream.to_the_end() for stream in streams]
        ended_after = time.monotonic() - began
        status = server.process.wait(PATIENCE_SECONDS)

    assert status == 0
    assert all(re.search(r"retry: \d+\n\nevent: stream-close\n", text) for text in said)
    # Far from graceful_timeout, and from uvicorn's two seconds for those who don't end.
    assert ended_after < 10
    assert_every_worker_ended_by_itself(server)
    assert "Cancel" not in server.log()


def test_an_event_crosses_valkey_once_for_each_process_that_reads_it(
    gunicorn: Launcher, site: dict[str, str], cookies: dict[str, str], valkey_url: str
) -> None:
    environment = {**site, "REDIS_URL": valkey_url, "WEB_CONCURRENCY": "2"}
    server = gunicorn("-c", CONFIG, env=environment)
    server.wait_until_it_answers(LOGIN)

    with open_streams(server, cookies, 12) as streams:
        ((_, processes),) = Redis.from_url(valkey_url).pubsub_numsub("heron:live:jobs-1")
        sent = (
            "from django_eventstream import send_event; send_event('jobs-1', 'progress', 'hello')"
        )
        manage("shell", "--no-imports", "--command", sent, env=environment).check_returncode()
        for stream in streams:
            stream.until("hello")

    assert 1 <= int(processes) <= 2
    assert all(stream.text.count("hello") == 1 for stream in streams)
    assert server.stop() == 0


def test_a_reload_ends_the_streams_and_serves_new_ones(
    gunicorn: Launcher, site: dict[str, str], cookies: dict[str, str]
) -> None:
    server = gunicorn("-c", CONFIG, env={**site, "WEB_CONCURRENCY": "1"})
    server.wait_until_it_answers(LOGIN)

    with open_streams(server, cookies, 5) as streams:
        server.process.send_signal(signal.SIGHUP)
        said = [stream.to_the_end() for stream in streams]
        with open_streams(server, cookies, 1):
            pass

    assert all("event: stream-close\n" in text for text in said)
    assert server.stop() == 0
    assert_every_worker_ended_by_itself(server)


def test_the_guides_own_command_ends_its_streams_too(
    gunicorn: Launcher, site: dict[str, str], cookies: dict[str, str]
) -> None:
    guide = ["-k", "uvicorn.workers.UvicornWorker", "--timeout", "1200"]
    server = gunicorn(*guide, "--workers", "1", "heron.asgi:application", env=site)
    server.wait_until_it_answers(LOGIN)

    with open_streams(server, cookies, 3) as streams:
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        for stream in streams:
            assert "event: stream-close\n" in stream.to_the_end()
        assert server.process.wait(PATIENCE_SECONDS) == 0

    assert time.monotonic() - began < 25  # gunicorn would kill it after 30


def test_plain_uvicorn_ends_its_streams_too(
    folder: Path, site: dict[str, str], cookies: dict[str, str]
) -> None:
    path, log_path = folder / "uvicorn.sock", folder / "uvicorn.log"
    command = [sys.executable, "-m", "uvicorn", "heron.asgi:application", "--uds", str(path)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, cwd=REPO, env=site, stdout=log, stderr=log)
    server = Gunicorn(process=process, socket_path=path, log_path=log_path)
    try:
        server.wait_until_it_answers(LOGIN)
        with open_streams(server, cookies, 3) as streams:
            process.send_signal(signal.SIGTERM)
            for stream in streams:
                assert "event: stream-close\n" in stream.to_the_end()
            process.wait(PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert "Finished server process" in server.log()


def test_a_reload_leaves_no_worker_on_the_old_code(
    gunicorn: Launcher, site: dict[str, str]
) -> None:
    server = gunicorn("-c", CONFIG, ENDLESS, env={**site, "WEB_CONCURRENCY": "1"})
    server.wait_until_it_answers("/")

    with server.client() as client, client.stream("GET", "/") as stream:
        chunks = stream.iter_text()
        old = next(chunks)
        server.process.send_signal(signal.SIGHUP)
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)

    with server.client() as client, client.stream("GET", "/") as stream:
        assert next(stream.iter_text()) != old
    assert server.stop() == 0
    assert_every_worker_ended_by_itself(server)


def test_a_request_during_a_restart_waits_in_the_socket_of_systemd(
    gunicorn: Launcher, site: dict[str, str], folder: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "heron.sock"))
        listener.listen()
        first = gunicorn("-c", CONFIG, env=site, listener=listener)
        first.wait_until_it_answers(LOGIN)
        assert first.stop() == 0

        with socket.socket(socket.AF_UNIX) as request:
            request.settimeout(PATIENCE_SECONDS)
            request.connect(listener.getsockname())
            request.sendall(f"GET {LOGIN} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            second = gunicorn("-c", CONFIG, env=site, listener=listener)
            answer = request.recv(12)

        assert answer == b"HTTP/1.1 200"
        assert second.stop() == 0


def test_the_access_log_names_client_and_path_but_not_the_query(
    gunicorn: Launcher, site: dict[str, str]
) -> None:
    behind_proxy = {**site, "FORWARDED_ALLOW_IPS": "*"}
    server = gunicorn("-c", CONFIG, env=behind_proxy)
    server.wait_until_it_answers(LOGIN)

    with server.client() as client:
        client.get(f"{LOGIN}?next=/secret/", headers={"X-Forwarded-For": "192.0.2.7"})

    assert server.stop() == 0
    entries = [json.loads(line) for line in server.log().splitlines() if '"client"' in line]
    assert {"192.0.2.7"} == {entry["client"] for entry in entries if entry["client"]}
    assert {LOGIN} == {entry["path"] for entry in entries}
    assert "secret" not in server.log()


def test_another_loggers_record_keeps_its_own_message() -> None:
    record = logging.makeLogRecord({"msg": "%s of %s", "args": (1, 2)})

    assert json.loads(AccessFormatter("%(message)s").format(record)) == {"message": "1 of 2"}
