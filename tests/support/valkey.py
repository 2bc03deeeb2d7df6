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


@contextmanager
def running_valkey() -> Iterator[str]:
    """Run a Valkey on a Unix socket; give its URL."""
    folder = make_scratch()
    socket = folder / "valkey.sock"
    url = f"unix://{socket}?db=0"
    process = Process("valkey", valkey_command(socket), env={}, cwd=ROOT, on_line=_ignore)
    guard = Guard(folder)
    guard.watch(process.pid)
    try:
        client = redis.Redis.from_url(url)
        while not _answers(client):
            if process.status is not None:
                raise RuntimeError(f"Valkey has ended:\n{process.last_words}")
            time.sleep(0.01)
        client.close()
        yield url
    finally:
        stop_all([process], within_s=3)
        guard.dismiss()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _ignore(_name: str, _line: str) -> None:
    """Keep nothing: the last words are enough."""
