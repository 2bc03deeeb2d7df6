"""Items whose effects are in the database commit in batches, together with the books.

One commit an item would cost more than most items do. A batch is one transaction: the items' own
writes, and at its end the fenced write of the counts. If an item fails, everything is rolled back
and the items before it are done again one by one, so that each keeps its own fate.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from django.db import Error, IntegrityError, transaction

from apps.core.conf import conf
from apps.core.loop import Loop
from apps.core.ticker import Ticker, Values

#: Items in a batch at the most.
BATCH = 100


class BatchRefused(IntegrityError):
    """Raised when the database refuses a batch at its end, for the sake of one of its items."""

    def __init__(self, items: list[Any], passed: int) -> None:
        self.items = items
        self.passed = passed
        super().__init__(f"{len(items)} items can't be committed together.")


class Batch:
    """The open transaction of an attempt, if there is one.

    While it is open the actor's thread holds the ticker's lock: the pulse must not wait for the
    database with the lock in its hand.
    """

    def __init__(self, ticker: Ticker) -> None:
        self._ticker = ticker
        self._atomic: Any = None
        self._items: list[Any] = []
        self._passed = 0
        self._before: Values = ()
        self._commit_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open."""
        return self._atomic is not None

    def join(self, loop: Loop) -> None:
        """Make the item that is out part of the batch; the first one begins it."""
        if not self.is_open:
            self._ticker.lock.acquire()
            self._ticker.fold()
            self._before = self._ticker.remember()
            self._passed = loop.passed
            self._commit_at = monotonic() + conf.FLUSH_SECONDS
            atomic = transaction.atomic()
            try:
                atomic.__enter__()
            except BaseException:
                self._ticker.lock.release()
                raise
            self._atomic = atomic
            self._ticker.held = True
        self._items.append(loop.item)

    def is_due(self) -> bool:
        """Tell whether the batch is full or old enough to be committed."""
        return len(self._items) >= BATCH or monotonic() >= self._commit_at

    def commit(self) -> None:
        """Write the books and commit; nothing happens when no transaction is open.

        Raises:
            LeaseLost: when the job has been given to somebody else; everything is rolled back.
            BatchRefused: when a constraint that is checked last does not hold; likewise.
        """
        if not self.is_open:
            return
        self._ticker.held = False
        try:
            self._ticker.write()
        except BaseException as error:
            self._undo(error)
            raise
        items = self._items
        try:
            self._leave(None)
        except IntegrityError as error:
            self._ticker.restore(self._before)
            raise BatchRefused(items, self._passed) from error
        except Error:
            # Perhaps it was committed, and only the answer was lost.
            self._ticker.unsure = True
            self._ticker.restore(self._before)
            raise
        self._ticker.announce()

    def roll_back(self, loop: Loop, error: BaseException) -> list[Any]:
        """Undo the batch; give the items before the one that is out, to be done again."""
        undone = self._items[:-1]
        loop.back_to(self._passed)
        self._undo(error)
        return undone

    def close(self) -> None:
        """End the batch when the actor has ended: what is done is kept, if the database lets us."""
        if not self.is_open:
            return
        if transaction.get_connection().needs_rollback:
            self._undo(RuntimeError("the transaction is broken"))
        else:
            self.commit()

    def _undo(self, error: BaseException) -> None:
        # The counts first: on a connection that has died, the rollback raises.
        self._ticker.restore(self._before)
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        atomic, self._atomic, self._items = self._atomic, None, []
        self._ticker.held = False
        try:
            atomic.__exit__(type(error) if error else None, error, None)
        finally:
            self._ticker.lock.release()
