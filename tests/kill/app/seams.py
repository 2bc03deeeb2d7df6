"""Failpoints around what the product does between an item and its books.

Wrapped from here, so that the product holds none.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from tests.kill.app.failpoints import failpoint

if TYPE_CHECKING:
    from apps.core.models import SSEProgress

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

#: Where a job is shared out, and where its parts are summed up.
FAN_OUT = (
    "share.before",
    "parts.after",
    "share.after",
    "sum.before",
    "sum.after",
    "settle-whole.before",
    "settle-whole.after",
)
#: A click in the web process: its row is inserted; it is committed; the bell has rung; it is
#: about to be answered.
CLICK = ("click.inserted", "click-ring.before", "click-ring.after", "click-answer.before")
#: The mail server holds a mail, and has not said so.
KEPT = "mail-kept.after"


def install() -> None:
    """Wrap each seam."""
    from apps.core import closing, fanout, handoff, parts, settlement
    from apps.core.batch import Batch
    from apps.core.models import SSEProgressQuerySet

    role = os.environ.get("KILL_ROLE", "")
    if role == "web":
        _wrap_click()
        return
    if role == "mail":
        from apps.invoices.sink import Sink

        _wrap(Sink, "_keep", "mail-kept")
        return

    _wrap(SSEProgressQuerySet, "claim", "claim")
    _wrap(SSEProgressQuerySet, "write", "write")
    _wrap(Batch, "join", "batch-join")
    _wrap(Batch, "_leave", "batch-leave")
    _wrap(settlement.Settlement, "settle", "settle")
    _wrap(closing, "_leave", "end")
    _wrap(SSEProgressQuerySet, "complete", "end")
    _wrap(handoff, "ring", "ring")
    _wrap(fanout, "share_out", "share")
    _wrap(parts, "create", "parts")
    _wrap(fanout, "sum_up", "sum")
    _wrap(fanout, "settle", "settle-whole")


def _wrap_click() -> None:
    from apps.core import actors, handoff
    from apps.invoices.views import views_send

    ring_on_commit = handoff.ring_on_commit

    def inserted(job: SSEProgress) -> None:
        failpoint("click.inserted")
        ring_on_commit(job)

    actors.ring_on_commit = inserted  # type: ignore[attr-defined]
    _wrap(handoff, "ring", "click-ring")
    _wrap(views_send, "_started", "click-answer")


def _wrap(owner: Any, name: str, point: str) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        failpoint(f"{point}.before")
        result = real(*args, **kwargs)
        failpoint(f"{point}.after")
        return result

    setattr(owner, name, wrapped)
