"""Failpoints around what the product does between an item and its books.

Wrapped from here, so that the product holds none.
"""

from __future__ import annotations

import functools
from typing import Any

from tests.kill.app.failpoints import failpoint

#: Every point of the product, with the actors' own a test may choose from.
PRODUCT = (
    "claim.before",
    "claim.after",
    "write.before",
    "write.after",
    "batch-join.before",
    "batch-join.after",
    "batch-leave.before",
    "batch-leave.after",
    "settle.before",
    "settle.after",
    "end.before",
    "end.after",
    "ring.before",
    "ring.after",
)


def install() -> None:
    """Wrap each seam."""
    from apps.core import handoff, runner, settlement
    from apps.core.batch import Batch
    from apps.core.models import SSEProgressQuerySet

    _wrap(SSEProgressQuerySet, "claim", "claim")
    _wrap(SSEProgressQuerySet, "write", "write")
    _wrap(Batch, "join", "batch-join")
    _wrap(Batch, "_leave", "batch-leave")
    _wrap(settlement.Settlement, "settle", "settle")
    _wrap(runner, "_leave", "end")
    _wrap(handoff, "ring", "ring")


def _wrap(owner: Any, name: str, point: str) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        failpoint(f"{point}.before")
        result = real(*args, **kwargs)
        failpoint(f"{point}.after")
        return result

    setattr(owner, name, wrapped)
