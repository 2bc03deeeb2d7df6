"""Turn what an item's block raises into the line that the ledger keeps of it."""

from __future__ import annotations

from apps.core.errors import (
    ItemFailed,
    ItemInDoubt,
    ItemOutcomeError,
    ItemPutOff,
    ItemSkipped,
)
from apps.core.ledger import Entry
from apps.core.loop import Loop
from apps.core.models import Outcome

OUTCOME_OF: dict[type[ItemOutcomeError], Outcome] = {
    ItemSkipped: Outcome.SKIPPED,
    ItemFailed: Outcome.FAILED,
    ItemInDoubt: Outcome.IN_DOUBT,
    ItemPutOff: Outcome.RETRY,
}


def entry_of(loop: Loop, ref: str, error: Exception, *, irreversible: bool) -> Entry:
    """Describe how the item that is out has ended."""
    ended = error if isinstance(error, ItemOutcomeError) else _unforeseen(error, irreversible)
    outcome = next(found for kind, found in OUTCOME_OF.items() if isinstance(ended, kind))
    return Entry(
        track=loop.track.number,
        key=loop.key,
        ref=ref,
        outcome=outcome,
        code=ended.code,
        msgid=ended.msgid,
        params=ended.params,
    )


def _unforeseen(error: Exception, irreversible: bool) -> ItemOutcomeError:
    # It may have happened on either side of an irreversible effect.
    kind = ItemInDoubt if irreversible else ItemFailed
    return kind("%(error)s", code=type(error).__name__, params={"error": str(error)})
