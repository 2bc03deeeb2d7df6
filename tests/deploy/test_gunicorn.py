"""gunicorn with our settings: it boots, stops in time, reloads for real, and logs no secrets."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from heron.web import AccessFormatter
from tests.deploy.servers import DEPLOY, PATIENCE_SECONDS, REPO, Gunicorn, Launcher

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


def test_a_stop_closes_open_streams_so_that_no_worker_has_to_be_killed(
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
