"""What an actor's author holds: count items, name stages, say things.

The author writes a plain loop; counting, coalescing, the ledger, cancel, pause and resume are done
here, between two items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import transaction

from apps.core import fanout, shutdown
from apps.core.budget import ErrorBudget
from apps.core.endings import entry_of
from apps.core.errors import (
    AlreadyCountedError,
    ItemPutOff,
    JobCancelled,
    JobFannedOut,
    JobHandedBack,
    JobPaused,
    JobStopped,
    LeaseLost,
    NotRepeatableError,
)
from apps.core.ledger import Entry
from apps.core.loop import Loop
from apps.core.models import SSEProgress
from apps.core.outages import is_outage
from apps.core.parts import PartActor
from apps.core.settlement import Settlement
from apps.core.sources import Key, source_of
from apps.core.speaker import Speaker
from apps.core.statuses import Status
from apps.core.texts import storable
from apps.core.ticker import Ticker
from apps.core.tracks import Track

T = TypeVar("T")


class ProgressTracker(Speaker):
    """The progress of one attempt at a job."""

    def __init__(self, job: SSEProgress, budget: ErrorBudget | None = None) -> None:
        super().__init__(job, Ticker(job))
        self._settlement = Settlement(job, self._ticker, budget)
        self._tracks = 0
        self._loop: Loop | None = None

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._job.job_id

    @property
    def resumed(self) -> bool:
        """Whether items of the job are counted already: by this attempt, or by an earlier one."""
        return bool(self._tracks or self._job.processed_items)

    @property
    def ticker(self) -> Ticker:
        """The pen, for those who end the attempt."""
        return self._ticker

    def close(self) -> None:
        """Keep what is done in an open batch, when the actor has ended in an error."""
        self._settlement.batch.close()

    def track(
        self, items: Iterable[T], *, key: Key = None, total: int | None = None
    ) -> Iterator[T]:
        """Give the items that are not done yet, and count them.

        Args:
            items: A queryset, or anything that gives the same items in the same order each time.
            key: What names an item for good: a field of a queryset (its primary key by default),
                an attribute's name or a function; the position when there is nothing better.
            total: How many there are, when `items` can't be counted cheaply.
        """
        self._tracks += 1
        track = Track(self._job, self._tracks)
        source = source_of(items, key, total)
        with self._ticker.lock:
            track.begin(source.count())
            self._ticker.flush()
        self._loop = self._ticker.loop = loop = Loop(source, track)
        yield from self._settlement.retried(loop, self.checkpoint)
        self.checkpoint()
        ticker = self._ticker
        for item in source.after(track.after, loop.passed):
            loop.item = item
            yield item
            if loop.settled:
                loop.settled = False
            else:
                # The author does not use item(): coming back for the next one is the success.
                loop.passed += 1
            if ticker.due:
                yield from self._look_up(loop)
        self._settlement.commit(loop)
        yield from self._settlement.again(loop)
        with ticker.lock:
            ticker.fold()
        self._loop = ticker.loop = None
        self._settlement.wait_for_put_off()

    @contextmanager
    def item(self, item: object, *, ref: str = "", irreversible: bool = False) -> Iterator[None]:
        """Settle the loop's current item by how the block ends.

        Without `irreversible`, what the block writes to the database commits together with the
        books: exactly once. Several items share a transaction, and when one fails the ones before
        it are given out again: the block may run twice, its effects are there once.

        With it (a mail can't be called back), the item is reserved before, so that an attempt that
        dies inside leaves it in doubt and nobody repeats it.

        An exception settles the item and the loop goes on: ItemFailed, ItemSkipped and ItemInDoubt
        say how; any other means failed, or in doubt when the item is irreversible. ItemPutOff has
        the item done later by the same job. A database that is away ends the attempt, and so does
        JobPutOff: a later one goes on with this item.
        """
        loop = self._loop
        if loop is None or loop.item is not item or loop.settled:
            raise RuntimeError("item() belongs inside a track() loop, once around its item.")
        ref = storable(ref or str(item))
        entry: Entry | None = None
        with self._settlement.work(loop, ref=ref, irreversible=irreversible) as settle:
            try:
                yield
            except Exception as error:  # (one item must not end the others)
                if is_outage(error) and not irreversible:
                    # Not the item's fault, and the database has undone it: another attempt will do.
                    raise
                if isinstance(error, ItemPutOff):
                    self._settlement.note_put_off(error)
                entry = entry_of(loop, ref, error, irreversible=irreversible)
            settle(entry)

    def on_settle(self, write: Callable[[], object]) -> None:
        """Have `write` called in the transaction that settles the irreversible item under way.

        So what the block has learnt ("accepted") and the books can't tell different stories, even
        if the worker dies at once.
        """
        self._settlement.along(write)

    def advance(self, n: int = 1) -> None:
        """Count `n` items as done, outside any loop of `track`."""
        with self._ticker.lock:
            self._job.processed_items += n
            self._ticker.tick()
        self.checkpoint()

    def expect(self, total: int) -> None:
        """Say how many items `advance` will count."""
        with self._ticker.lock:
            self._job.total_items = total
            self._ticker.tick()

    def start_over(self) -> None:
        """Forget what earlier attempts have counted with `advance`: this one does it all anew.

        For work that can't be taken up in the middle, such as writing one file.

        Raises:
            NotRepeatableError: items have outcomes in the ledger, which stay.
        """
        job = self._job
        if job.failed_items or job.skipped_items or job.in_doubt_items:
            raise NotRepeatableError(job.job_id)
        with self._ticker.lock:
            job.processed_items, job.total_items, job.cursor = 0, None, {}
            self._ticker.flush()

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """Commit what the block writes to the database only if this attempt still holds the job.

        Raises:
            LeaseLost: another one does; the block's writes are undone.
        """
        with self._ticker.lock, self._ticker.unless_it_fails(), transaction.atomic():
            yield
            self._ticker.flush()

    def fan_out(self, actor: PartActor, chunks: Iterable[Mapping[str, Any]]) -> None:
        """Share the job out in parts, which several workers do at once, and end this attempt.

        Nothing behind this call is run: the job goes on by itself, sums its parts up, and ends
        when the last of them has. Whoever cancels, pauses, resumes or retries it reaches them all.
        A `result` said before may mention the counts: %(done)s, %(failed)s, %(total)s and so on.

        Args:
            actor: The progress actor that does one part.
            chunks: For each part the actor's keyword arguments (JSON) and, if known, `total`.

        Raises:
            AlreadyCountedError: the job has counted items of its own (see `resumed`).
        """
        if self.resumed:
            raise AlreadyCountedError(self.job_id)
        found = list(chunks)
        with self._ticker.lock:
            self._ticker.flush()
            self.checkpoint()
            if fanout.share_out(self._job, actor, found):
                self._ticker.close()
                raise JobFannedOut
            # Somebody has asked for something at the last moment, or the lease is lost.
            self._ticker.flush()
            self.checkpoint()
        raise LeaseLost(self.job_id, self._job.epoch)

    def checkpoint(self) -> None:
        """End the run here if somebody asked for it. Called between items.

        Raises:
            JobCancelled, JobPaused, JobHandedBack: caught by the runner; let them through.
        """
        stop = self._stop()
        if stop is not None:
            if self._loop is not None:
                self._settlement.commit(self._loop)
            raise stop

    def _stop(self) -> JobStopped | None:
        if self._job.status == Status.CANCELLING:
            return JobCancelled()
        if self._job.status == Status.PAUSING:
            return JobPaused()
        if shutdown.stopping.is_set():
            return JobHandedBack()
        if self._settlement.over_budget:
            return JobPaused(self._settlement.spending.reason())
        return None

    def _look_up(self, loop: Loop) -> Iterator[Any]:
        """Between two items: do again what a failure undid, write what is due, stop if asked."""
        yield from self._settlement.again(loop)
        batch = self._settlement.batch
        if self._ticker.looked_up():
            if not batch.is_open:
                self._ticker.flush()
            elif batch.is_due():
                self._settlement.commit(loop)
                yield from self._settlement.again(loop)
        self.checkpoint()
