"""Its actors."""

from __future__ import annotations

import dramatiq

from tests.bench.peers.diary import note


@dramatiq.actor(queue_name="plain")
def mark(text: str) -> None:
    """Say that this was reached."""
    note(text)


@dramatiq.actor(queue_name="plain")
def nothing() -> None:
    """Do nothing."""
