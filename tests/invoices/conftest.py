"""A cast, and a real mail server on a port of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from apps.invoices.maildir import MailDirectory
from apps.invoices.sink import Sink, listening
from tests.invoices.factories import make_user

SMTP = "django.core.mail.backends.smtp.EmailBackend"


class RunningSink:
    """A mail server that listens, and what it holds."""

    def __init__(self, sink: Sink, port: int, maildir: Path) -> None:
        self.sink = sink
        self.port = port
        self.directory = MailDirectory(maildir)

    @property
    def connections(self) -> int:
        return self.sink.connections

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails in the order in which they came."""
        found = [self.directory.get(key) for key in reversed(self.directory.names())]
        return [mail.message for mail in found if mail is not None]

    @property
    def recipients(self) -> list[str]:
        return [str(mail["X-Envelope-To"]) for mail in self.mails]


@contextmanager
def running(sink: Sink, maildir: Path) -> Iterator[RunningSink]:
    """Serve in a thread with an event loop of its own."""
    ready, port = threading.Event(), 0
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        nonlocal port
        async with listening(sink, "127.0.0.1", 0) as bound:
            port = bound
            ready.set()
            await stop.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield RunningSink(sink, port, maildir)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


SinkStarter = Callable[[type[Sink]], AbstractContextManager[RunningSink]]


@pytest.fixture
def start_sink(tmp_path: Path, settings: Settings) -> SinkStarter:
    """Start a mail server of some kind and let Django send to it."""

    @contextmanager
    def start(kind: type[Sink] = Sink) -> Iterator[RunningSink]:
        maildir = tmp_path / "mailbox"
        with running(kind(maildir), maildir) as server:
            settings.EMAIL_BACKEND = SMTP
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
            yield server

    return start


@pytest.fixture
def sink(start_sink: SinkStarter) -> Iterator[RunningSink]:
    """A mail server as `manage.py smtp_sink` runs it."""
    with start_sink(Sink) as server:
        yield server


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice")


@pytest.fixture
def bob(db: None) -> User:
    return make_user("bob")


@pytest.fixture
def staff(db: None) -> User:
    return make_user("staff", is_staff=True)


@pytest.fixture
def as_alice(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def as_bob(bob: User) -> Client:
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def as_staff(staff: User) -> Client:
    client = Client()
    client.force_login(staff)
    return client
