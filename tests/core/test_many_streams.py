"""Open streams cost a web process neither threads nor database connections."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import httpx
import psutil
import psycopg
import pytest

from heron.demo.stack import WEB
from tests.support import postgres
from tests.support.live import LiveHeron, running_heron

pytestmark = pytest.mark.integration

STREAMS = 120
#: Each may hold 20 streams in one web process.
READERS = 7
MOST_THREADS = 10
MOST_CONNECTIONS = 10
PATIENCE_S = 30.0

_PREPARE = f"""
import json
from django.contrib.auth.models import User
from django.test import Client
from apps.core.models import SSEProgress
sessions = []
for n in range({READERS} + 2):
    client = Client()
    client.force_login(User.objects.create_user(f"reader-{{n}}", is_staff=True))
    sessions.append(client.cookies["sessionid"].value)
job = SSEProgress.objects.create(user=User.objects.first(), task_type="email_sending")
print(json.dumps([job.job_id, sessions]))
"""

_PUBLISH = """
from django_eventstream import send_event
for seq in range({first}, {first} + {count}):
    data = {{"job_id": "{job_id}", "seq": seq, "message": "x" * {size}}}
    send_event("progress-{job_id}", "progress", data)
"""

_FORBID = """
from django.contrib.auth.models import User
from django_eventstream import channel_permission_changed
user = User.objects.get(username="reader-{reader}")
user.is_staff = False
user.save()
channel_permission_changed(user, "progress-{job_id}")
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A Heron on PostgreSQL with one job, and sessions that may read it."""

    heron: LiveHeron
    database: str
    job_id: str
    sessions: list[str]

    @property
    def web(self) -> psutil.Process:
        """Return the web process."""
        return psutil.Process(self.heron.stack.processes[WEB].pid)

    @property
    def connections(self) -> int:
        """Count the connections of all processes to the database."""
        with psycopg.connect(self.database) as connection:
            query = (
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def get(self, path: str) -> httpx.Response:
        """Read a page as the first of the readers."""
        cookies = {"sessionid": self.sessions[0]}
        return httpx.get(self.heron.base_url + path, cookies=cookies, trust_env=False, timeout=30)

    def csrf_token(self, session: str) -> str:
        """Get the token that a form of this session sends."""
        cookies = {"sessionid": session}
        page = httpx.get(self.heron.base_url + "/core/jobs/", cookies=cookies, trust_env=False)
        return page.cookies["csrftoken"]

    def post(self, path: str, session: str, token: str) -> httpx.Response:
        """Send a form."""
        cookies = {"sessionid": session, "csrftoken": token}
        url, form = self.heron.base_url + path, {"csrfmiddlewaretoken": token}
        return httpx.post(url, data=form, cookies=cookies, trust_env=False, timeout=30)

    def publish(self, count: int, *, size: int = 1, first: int = 0) -> None:
        """Let another process send events of so many characters."""
        call = _PUBLISH.format(count=count, size=size, first=first, job_id=self.job_id)
        self.heron.python(call)


@pytest.fixture(scope="module")
def site(postgres_server: postgres.Postgres) -> Iterator[Site]:
    database = postgres_server.create_database()
    with running_heron(database, seeded=False) as heron:
        job_id, sessions = json.loads(heron.python(_PREPARE))
        yield Site(heron=heron, database=database, job_id=job_id, sessions=sessions)


class Stream:
    """One open stream: a socket, and what has been read of it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.read = b""

    def read_until(self, wanted: bytes) -> bytes:
        """Read until something has come; return it all."""
        while wanted not in self.read:
            some = self._connection.recv(1 << 20)
            assert some, self.read[-500:]
            self.read += some
        return self.read

    def read_to_the_end(self) -> None:
        """Read until the stream ends: by its last chunk, or with the connection."""
        while not self.read.endswith(b"0\r\n\r\n"):
            try:
                some = self._connection.recv(1 << 20)
            except ConnectionResetError:
                return
            if not some:
                return
            self.read += some

    @property
    def last_id(self) -> str:
        """Tell where a client would go on from."""
        ids: list[bytes] = re.findall(rb"^id: (.*)$", self.read, re.M)
        return ids[-1].decode()


@contextmanager
def opened(
    site: Site, session: str, *, buffer: int | None = None, more: dict[str, str] | None = None
) -> Iterator[Stream]:
    """Ask for the job's events."""
    address = urlsplit(site.heron.base_url)
    with socket.socket() as connection:
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(PATIENCE_S)
        connection.connect(("127.0.0.1", address.port or 80))
        channel = urlencode({"channel": f"progress-{site.job_id}", **(more or {})})
        request = (
            f"GET /core/events/?{channel} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Cookie: sessionid={session}\r\nAccept: text/event-stream\r\n\r\n"
        )
        connection.sendall(request.encode())
        yield Stream(connection)


@contextmanager
def all_opened(site: Site, sessions: Sequence[str]) -> Iterator[list[Stream]]:
    """Open a stream for each session and wait until all of them get events."""
    with ExitStack() as stack:
        streams = [stack.enter_context(opened(site, session)) for session in sessions]
        for stream in streams:
            stream.read_until(b"stream-open")
        yield streams


def test_many_streams_take_no_threads_and_no_connections(site: Site) -> None:
    sessions = [site.sessions[n % READERS] for n in range(STREAMS)]

    with all_opened(site, sessions) as streams:
        threads, connections = site.web.num_threads(), site.connections
        page = site.get("/core/jobs/")
        site.publish(1)
        heard = [stream.read_until(b'"seq": 0') for stream in streams]

    assert threads <= MOST_THREADS
    assert connections <= MOST_CONNECTIONS
    assert page.status_code == 200
    assert len(heard) == STREAMS


def test_a_reader_who_never_reads_disturbs_nobody(site: Site) -> None:
    with (
        opened(site, site.sessions[0], buffer=4096),
        all_opened(site, site.sessions[1:2]) as (other,),
    ):
        before = site.web.memory_info().rss
        # Forty megabytes, far more than any buffer on the way holds.
        site.publish(400, size=100_000)
        heard = other.read_until(b'"seq": 399')
        after = site.web.memory_info().rss

    assert b'"seq": 399' in heard
    assert after - before < 20_000_000


def test_a_logout_ends_the_streams_of_its_session_and_no_others(site: Site) -> None:
    leaving, staying = site.sessions[READERS], site.sessions[4]

    with all_opened(site, [leaving, staying]) as (gone, other):
        token = site.csrf_token(leaving)
        site.post("/accounts/logout/", leaving, token)
        gone.read_to_the_end()
        site.publish(1, first=7000)
        other.read_until(b'"seq": 7000')

    assert b"event: stream-error\nid: error\n" in gone.read
    with opened(site, leaving) as refused:
        assert refused.read_until(b"\r\n").startswith(b"HTTP/1.1 401")


def test_a_permission_that_another_process_takes_away_ends_the_stream(site: Site) -> None:
    with all_opened(site, [site.sessions[READERS + 1]]) as (stream,):
        site.heron.python(_FORBID.format(job_id=site.job_id, reader=READERS + 1))
        stream.read_to_the_end()

    assert b'"condition": "forbidden"' in stream.read


def test_a_snapshots_ticket_and_place_open_the_stream(site: Site) -> None:
    session = site.sessions[0]
    start = site.get(f"/core/sse-progress/{site.job_id}/").json()["stream"]
    site.publish(1, first=8000)

    more = {"ticket": start["ticket"], "lastEventId": start["id"]}
    with opened(site, session, more=more) as stream:
        stream.read_until(b'"seq": 8000')

    assert start["id"].startswith(f"progress-{site.job_id}:")
    # Django's middleware has not seen this request.
    assert b"content-language" not in stream.read
    assert b"stream-reset" not in stream.read


def test_a_killed_server_loses_nothing_for_those_who_come_back(site: Site) -> None:
    with all_opened(site, [site.sessions[0]]) as (stream,):
        site.publish(1, first=9000)
        stream.read_until(b'"seq": 9000')
        site.web.kill()
        stream.read_to_the_end()
    site.heron.restart_web()
    site.publish(5, first=9001)

    with opened(site, site.sessions[0], more={"lastEventId": stream.last_id}) as again:
        again.read_until(b'"seq": 9005')

    assert b"stream-reset" not in again.read
    assert b'"seq": 9001' not in again.read  # an older state of the same job


def test_a_user_may_not_use_up_the_server(site: Site) -> None:
    greedy = site.sessions[2]

    with all_opened(site, [greedy] * 20), opened(site, greedy) as refused:
        answer = refused.read_until(b"retry-after")

    assert answer.startswith(b"HTTP/1.1 429")
