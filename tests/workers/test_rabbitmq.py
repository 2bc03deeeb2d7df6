"""RabbitMQ as the broker, with Valkey for events only."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from heron.demo import ports
from heron.demo.console import LogFiles
from heron.demo.stack import WEB, Stack
from heron.demo.surroundings import Surroundings, make_scratch
from tests.support import rabbitmq
from tests.support.clerk import Clerk
from tests.support.live import LiveHeron
from tests.support.lots import Lots
from tests.support.prepared import MIGRATE, SEED
from workers import broker

needs_the_client = pytest.mark.skipif(
    find_spec("pika") is None, reason="RabbitMQ NOT TESTED: pip install dramatiq[rabbitmq]"
)


@pytest.fixture
def no_stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRAMATIQ_STUB")


@needs_the_client
def test_the_scheme_of_the_url_chooses_the_broker(no_stub: None, settings: Any) -> None:
    from workers.rabbitmq import HeronRabbitmqBroker

    settings.BROKER_URL = "amqp://guest:guest@127.0.0.1:1/"
    assert isinstance(broker.build_broker(), HeronRabbitmqBroker)
    settings.BROKER_URL = ""
    assert isinstance(broker.build_broker(), broker.HeronBroker)


def test_a_scheme_that_nobody_knows_is_refused(no_stub: None, settings: Any) -> None:
    settings.BROKER_URL = "kafka://127.0.0.1/"

    with pytest.raises(ImproperlyConfigured, match=r"kafka://"):
        broker.build_broker()


@needs_the_client
def test_an_address_may_have_time_outs_of_its_own() -> None:
    from workers.rabbitmq import with_time_outs

    url = with_time_outs("amqp://a:b@host:5672/vhost?socket_timeout=9")

    assert url.startswith("amqp://a:b@host:5672/vhost?")
    assert "socket_timeout=9" in url
    assert "connection_attempts=1" in url


@pytest.fixture
def heron() -> Iterator[LiveHeron]:
    """A whole Heron whose messages go through RabbitMQ."""
    if not rabbitmq.is_installed():
        pytest.skip("RabbitMQ NOT TESTED: install Debian's package rabbitmq-server")
    var = Path(tempfile.mkdtemp(prefix="heron-var-"))
    with rabbitmq.running_rabbitmq() as url:
        surroundings = Surroundings(
            var=var,
            scratch=make_scratch(),
            web_port=ports.any_free(),
            smtp_port=ports.any_free(),
            extra={"BROKER_URL": url},
        )
        stack = Stack(surroundings, on_line=LogFiles(var / "log").line)
        try:
            stack.start(prepare=(MIGRATE, SEED))
            yield LiveHeron(stack)
        finally:
            stack.stop()
            shutil.rmtree(var, ignore_errors=True)


@needs_the_client
@pytest.mark.integration
def test_jobs_are_done_and_told_live_with_rabbitmq_as_the_broker(heron: LiveHeron) -> None:
    clerk = Clerk(heron, heron.username)
    lot = Lots(heron).take()

    told = clerk.send(lot.invoice_ids)
    channel = f"progress-{told['job_id']}"
    with clerk.http.stream("GET", "/core/events/", params={"channel": channel}) as stream:
        kinds = []
        for line in stream.iter_lines():
            kinds.append(line)
            if line == "event: complete" or len(kinds) > 10_000:
                break
    state = clerk.http.get(f"/core/sse-progress/{told['job_id']}/").json()

    assert "event: complete" in kinds
    assert state["status"] == "completed"
    assert state["counts"]["done"] == state["total"] == len(lot.invoice_ids)
    web = heron.stack.processes[WEB].pid
    connections = os.listdir(f"/proc/{web}/fd")
    assert len(connections) < 60
