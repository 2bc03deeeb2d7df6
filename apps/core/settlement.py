"""How items end: their effects, their outcome and the counts are written together.

Three ways. An irreversible effect is reserved before and settled after. Effects in the database
share a batch's transaction, with the books in it. A retried item, or one whose batch was undone,
has a transaction of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import monotonic
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from apps.core import ledger
from apps.core.batch import Batch, BatchRefused
from apps.core.budget import ErrorBudget, Spending
from apps.core.errors import ItemPutOff, JobPutOff
from apps.core.ledger import Entry
from apps.core.loop import Loop
from apps.core.models import Outcome, SSEProgress
from apps.core.texts import render
from apps.core.ticker import Ticker

PUT_OFF = gettext_noop("Items put off until later: %(count)s.")

#: Ends an item: None for plain success.
Settle = Callable[[Entry | None], None]


class Settlement:
    """Settles the items of one attempt."""

    def __init__(self, job: SSEProgress, ticker: Ticker, budget: ErrorBudget | None) -> None:
        self._job = job
        self._ticker = ticker
        self.batch = Batch(ticker)
        self.spending = Spending(budget)
        #: Whether too many of the last items failed.
        self.over_budget = False
        #: How many items were put off, and when (monotonic) the first of them may be done.
        self.put_off = 0
        self._first_due = 0.0
        #: Items to be done again one by one, and the item that undid their batch, with its end.
        self._redo: tuple[list[Any], Any, Entry | None] | None = None
        self._alone = False
        #: What is to be written together with the outcome of the irreversible item that is out.
        self._along: list[Callable[[], object]] | None = None

    def work(self, loop: Loop, *, ref: str, irreversible: bool) -> AbstractContextManager[Settle]:
        """Give the surroundings of the loop's current item, which it ends by calling `Settle`."""
        if irreversible:
            return self._reserved(loop, ref)
        if self._alone or loop.retried_key is not None:
            return self._transaction(loop, ref)
        return self._batched(loop)

    def retried(self, loop: Loop, checkpoint: Callable[[], None]) -> Iterator[Any]:
        """Give the items that a retry takes up first, after a look up each."""
        keys = ledger.to_retry(self._job, loop.track.number)
        gone = set(keys)
        for key, item in loop.source.only(keys) if keys else ():
            checkpoint()
            gone.discard(key)
            loop.item, loop.retried_key = item, key
            yield item
            if not loop.settled:
                self.settle(loop)
            loop.settled = False
        for key in sorted(gone):
            loop.retried_key = key
            self.settle(loop, _failed(loop, key, msgid=ledger.GONE))
            loop.settled = False
        loop.retried_key = None

    def again(self, loop: Loop) -> Iterator[Any]:
        """Give the items of an undone batch once more, each in a transaction of its own."""
        if self._redo is None:
            return
        items, failed, entry = self._redo
        self._redo, self._alone = None, True
        for item in items:
            loop.item = item
            yield item
            if loop.settled:
                loop.settled = False
            else:
                loop.passed += 1
        self._alone = False
        if entry is not None:
            loop.item = failed
            self.settle(loop, entry)
            loop.settled = False

    def along(self, write: Callable[[], object]) -> None:
        """Call `write` in the transaction that settles the irreversible item that is out."""
        if self._along is None:
            raise RuntimeError("on_settle() belongs inside an irreversible item().")
        self._along.append(write)

    def note_put_off(self, error: ItemPutOff) -> None:
        """Remember that an item is to be taken up later by this job."""
        due = monotonic() + error.after_seconds
        self._first_due = min(self._first_due, due) if self.put_off else due
        self.put_off += 1

    def wait_for_put_off(self) -> None:
        """End the attempt when items of it are left that were put off.

        Raises:
            JobPutOff: until the first of them may be done.
        """
        if self.put_off:
            wait = max(0.0, self._first_due - monotonic())
            raise JobPutOff(wait, PUT_OFF, {"count": self.put_off})

    def commit(self, loop: Loop) -> None:
        """Commit the open batch; if it is refused, have its items done again one by one."""
        try:
            self.batch.commit()
        except BatchRefused as refused:
            loop.back_to(refused.passed)
            self._redo = (refused.items, None, None)
            self._ticker.due = True

    @contextmanager
    def _reserved(self, loop: Loop, ref: str) -> Iterator[Settle]:
        """Reserve the item, and settle it after the effect."""
        self.batch.commit()
        with self._ticker.lock, self._ticker.unless_it_fails():
            self._ticker.fold()
            loop.track.reserve(loop.key, ref, loop.after)
            self._ticker.write()
        # If settling fails, the reservation stays and tells the truth.
        self._along = []
        try:
            yield partial(self.settle, loop)
        except JobPutOff:
            # Nothing has happened; written together with the end of the attempt.
            loop.track.release()
            raise
        finally:
            self._along = None

    @contextmanager
    def _transaction(self, loop: Loop, ref: str) -> Iterator[Settle]:
        """Give the item a transaction of its own, with the books in it."""

        def settle(entry: Entry | None) -> None:
            if entry is not None:
                raise _Undo(entry)
            self._count(loop)
            self._ticker.held = False
            self._ticker.write()

        passed = loop.passed
        with self._ticker.lock:
            try:
                with self._ticker.unless_it_fails(), transaction.atomic():
                    self._ticker.held = True
                    try:
                        yield settle
                    finally:
                        self._ticker.held = False
            except _Undo as undone:
                self.settle(loop, undone.entry)
            except IntegrityError as error:
                # At the commit, with a constraint that is checked last.
                loop.back_to(passed)
                params = {"error": str(error)}
                self.settle(
                    loop,
                    _failed(loop, ref, msgid="%(error)s", code=type(error).__name__, params=params),
                )
            else:
                self.note(None)
                self._ticker.announce()

    @contextmanager
    def _batched(self, loop: Loop) -> Iterator[Settle]:
        """Let the item share the batch's transaction."""

        def settle(entry: Entry | None) -> None:
            if entry is None:
                loop.let_pass()
                self.note(None)
                if self.batch.is_due():
                    self.commit(loop)
            elif entry.outcome == Outcome.SKIPPED:
                # Nothing went wrong, so nothing has to be undone.
                self.settle(loop, entry)
            else:
                self._undo(loop, entry)

        self.batch.join(loop)
        try:
            yield settle
        except BaseException as error:
            if self.batch.is_open:
                self.batch.roll_back(loop, error)
            raise

    def _undo(self, loop: Loop, entry: Entry) -> None:
        """Roll the batch back, and have the items before the failed one done again."""
        items = self.batch.roll_back(loop, _Undo(entry))
        if items:
            self._redo = (items, loop.item, entry)
            loop.settled = self._ticker.due = True
        else:
            self.settle(loop, entry)

    def _count(self, loop: Loop, outcome: str | None = None) -> None:
        """Change the counts in memory; a retried item that succeeds leaves the ledger."""
        if outcome == Outcome.RETRY:
            loop.settle(self._job, processed=False)
            return
        if outcome is not None:
            counter = ledger.COUNTER_OF[outcome]
            setattr(self._job, counter, getattr(self._job, counter) + 1)
        elif loop.retried_key is not None:
            ledger.forget(self._job, loop.track.number, loop.retried_key)
        loop.settle(self._job)

    def settle(self, loop: Loop, entry: Entry | None = None) -> None:
        """Write an outcome and the counts together; no entry is plain success."""
        with self._ticker.lock, self._ticker.unless_it_fails():
            if entry is None and loop.retried_key is None and not self._along:
                self._count(loop)
                self._ticker.write()
            else:
                with transaction.atomic():
                    if entry is not None:
                        ledger.record(self._job, entry)
                    self._count(loop, entry.outcome if entry else None)
                    self._ticker.write()
                    for write in self._along or ():
                        write()
            self._ticker.announce("warning" if entry else "progress")
        self.note(entry)

    def note(self, entry: Entry | None) -> None:
        """Charge the error budget."""
        failure = None
        if entry is not None and entry.outcome == Outcome.FAILED:
            failure = f"{entry.ref}: {render(entry.msgid, entry.params)}"
        if self.spending.note(failure):
            self.over_budget = self._ticker.due = True


def _failed(loop: Loop, ref: str, **words: Any) -> Entry:
    """Say that the item that is out has failed."""
    return Entry(track=loop.track.number, key=loop.key, ref=ref, outcome=Outcome.FAILED, **words)


class _Undo(Exception):
    """Takes a transaction back; carries how its item ended."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        super().__init__(entry.key)
