"""A Valkey of the tests' own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from heron.demo.guard import Guard
from heron.demo.process import Process, stop_all
from heron.demo.stack import valkey_command
from heron.demo.surroundings import ROOT, make_scratch

#: Generous: a busy machine starts it late.
PATIENCE_SECONDS = 20.0


class Valkey:
    """A Valkey that may be stopped and started again on the same socket; it keeps no data."""

    def __init__(self) -> None:
        folder = make_scratch()
        self.socket = folder / "valkey.sock"
        self._guard = Guard(folder)
        self.process: Process | None = None

    @property
    def url(self) -> str:
        """Return where it is, for REDIS_URL."""
        return f"unix://{self.socket}?db=0"

    def client(self) -> redis.Redis:
        """Make a client."""
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Start it; return once it answers."""
        self.process = Process(
            "valkey", valkey_command(self.socket), env={}, cwd=ROOT, on_line=_ignore
        )
        self._guard.watch(self.process.pid)
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.client() as client:
            while not _answers(client):
                if self.process.status is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Valkey does not start:\n{self.process.last_words}")
                time.sleep(0.01)

    def stop(self) -> None:
        """Stop it; it may be started again."""
        if self.process is not None:
            stop_all([self.process], within_s=3)

    def close(self) -> None:
        """Stop it for good, and leave nothing behind."""
        self.stop()
        self._guard.dismiss()


@contextmanager
def a_valkey() -> Iterator[Valkey]:
    """Run a Valkey that may be restarted."""
    valkey = Valkey()
    try:
        valkey.start()
        yield valkey
    finally:
        valkey.close()


@contextmanager
def running_valkey() -> Iterator[str]:
    """Run a Valkey on a Unix socket; give its URL."""
    with a_valkey() as valkey:
        yield valkey.url


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _ignore(_name: str, _line: str) -> None:
    """Keep nothing: the last words are enough."""
