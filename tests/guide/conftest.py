"""The guide's code, loaded from the shop that it is pasted into, and what it leaves behind."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import dramatiq
import pytest
from django.contrib.auth.models import User
from dramatiq.brokers.stub import StubBroker

from apps.core.live import publisher as publishing
from apps.core.live.history import Outgoing
from apps.core.models import SSEProgress
from apps.core.shutdown import stopping
from workers.broker import middleware

SHOP = Path(__file__).parent / "shop"


@dataclass(frozen=True)
class Event:
    """One event as a browser gets it."""

    kind: str
    payload: dict[str, Any]


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    """A broker in memory, with the middleware of the real one."""
    before = dramatiq.get_broker()
    stub = StubBroker(middleware=middleware())
    stub.emit_after("process_boot")
    dramatiq.set_broker(stub)
    yield stub
    stub.close()
    stopping.clear()  # a worker that a test has stopped is not the whole process
    dramatiq.set_broker(before)


@pytest.fixture
def guide(broker: StubBroker, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Load a module of the shop's, without its pauses.

    By its path: in these tests `apps.invoices` is Heron's own.
    """

    def load(path: str) -> ModuleType:
        name = f"guide_{path.replace('/', '_')}"
        spec = spec_from_file_location(name, SHOP / "apps" / f"{path}.py")
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        monkeypatch.setattr(module.time, "sleep", lambda _seconds: None)
        return module

    return load


@pytest.fixture
def alice(transactional_db: None) -> User:
    """Who starts jobs. With real commits, because events leave after them."""
    return User.objects.create_user("alice", password="alice")


@pytest.fixture
def make_job(alice: User) -> Callable[..., SSEProgress]:
    """Make a row as the guide's view does."""

    def make(**values: Any) -> SSEProgress:
        return SSEProgress.objects.create(
            **{"user": alice, "task_type": "email_sending", "total_items": 3, **values}
        )

    return make


@pytest.fixture
def job(make_job: Callable[..., SSEProgress]) -> SSEProgress:
    """A row for three items."""
    return make_job()


@pytest.fixture(autouse=True)
def events(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[Event]:
    """What is published on jobs' own channels, nothing held back."""
    sent: list[Event] = []

    def keep(outgoing: Sequence[Outgoing]) -> None:
        for event in outgoing:
            own = [name for name in event.channels if name.startswith("progress-")]
            sent.extend(Event(event.kind, json.loads(event.data)) for _ in own)

    settings.PROGRESS_FLUSH_SECONDS = 0.0
    monkeypatch.setattr(publishing, "append_all", keep)
    monkeypatch.setattr(publishing, "publisher", publishing.Publisher())
    return sent


@pytest.fixture(scope="session", autouse=True)
def _orm_beside_playwright() -> Iterator[None]:
    """Let the ORM work in the thread in which Playwright runs its event loop."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    yield
    patch.undo()
