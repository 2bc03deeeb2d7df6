"""What an actor's author holds: count items, name stages, say things.

The author writes a plain loop; counting, coalescing, the ledger, cancel, pause and resume are done
here, between two items.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import transaction

from apps.core import ledger, shutdown
from apps.core.errors import (
    ItemFailed,
    ItemInDoubt,
    ItemOutcomeError,
    ItemSkipped,
    JobCancelled,
    JobHandedBack,
    JobPaused,
)
from apps.core.ledger import Entry
from apps.core.models import Outcome, SSEProgress
from apps.core.sources import Key, Keyed, source_of
from apps.core.statuses import Status
from apps.core.ticker import Ticker
from apps.core.tracks import Track

T = TypeVar("T")

OUTCOME_OF: dict[type[ItemOutcomeError], Outcome] = {
    ItemSkipped: Outcome.SKIPPED,
    ItemFailed: Outcome.FAILED,
    ItemInDoubt: Outcome.IN_DOUBT,
}


class _Current:
    """The item that the loop has just given out."""

    def __init__(self, track: Track, keyed: Keyed[Any], *, retried: bool) -> None:
        self.track = track
        self.key = keyed.key
        self.item = keyed.item
        self.retried = retried
        #: A retried item lies behind the cursor already.
        self.after = None if retried else keyed.after
        self.settled = False


class ProgressTracker:
    """The progress of one attempt at a job."""

    def __init__(self, job: SSEProgress) -> None:
        self._job = job
        self._ticker = Ticker(job)
        self._tracks = 0
        self._current: _Current | None = None
        self._stages = 0
        self._stage_base = 0.0

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self._job.job_id

    @property
    def ticker(self) -> Ticker:
        """The pen, for those who end the attempt."""
        return self._ticker

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
        again = ledger.to_retry(self._job, track.number)
        for keyed in source.only(again):
            again.discard(keyed.key)
            yield from self._give(_Current(track, keyed, retried=True))
        for key_gone in sorted(again):
            self._settle_gone(track, key_gone)
        for keyed in source.after(track.after):
            yield from self._give(_Current(track, keyed, retried=False))

    @contextmanager
    def item(self, item: object, *, ref: str = "", irreversible: bool = False) -> Iterator[None]:
        """Settle the loop's current item by how the block ends.

        Without `irreversible`, what the block writes to the database commits together with the
        books: exactly once. With it (a mail can't be called back), the item is reserved before, so
        that an attempt that dies inside leaves it in doubt and nobody repeats it.

        An exception settles the item and the loop goes on: ItemFailed, ItemSkipped and ItemInDoubt
        say how; any other means failed, or in doubt when the item is irreversible.
        """
        current = self._current
        if current is None or current.item is not item:
            raise RuntimeError("item() belongs inside a track() loop, around its current item.")
        ref = ref or str(item)
        if irreversible:
            self._reserve(current, ref)
            entry: Entry | None = None
            try:
                yield
            except ItemOutcomeError as ended:
                entry = self._entry(current, ref, ended)
            except Exception as error:  # noqa: BLE001 (one item must not end the others)
                # Nobody foresaw it, so nobody knows on which side of the effect it happened.
                entry = self._entry(current, ref, _unforeseen(error, ItemInDoubt))
            # Outside the block above: if this fails, the reservation stays and tells the truth.
            self._settle(current, entry)
        else:
            try:
                with self._ticker.lock, self._ticker.unless_it_fails(), transaction.atomic():
                    yield
                    self._count(current)
                    self._ticker.write()
            except ItemOutcomeError as ended:
                self._settle(current, self._entry(current, ref, ended))
            except Exception as error:  # noqa: BLE001 (one item must not end the others)
                self._settle(current, self._entry(current, ref, _unforeseen(error, ItemFailed)))
            else:
                self._ticker.announce()
        current.settled = True

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

    def message(self, msgid: str, **params: Any) -> None:
        """Say what is being done, in words that are translated for each reader."""
        with self._ticker.lock:
            self._job.message, self._job.message_params = msgid, params
            self._ticker.tick()

    def warn(self, msgid: str, *, ref: str = "", code: str = "", **params: Any) -> None:
        """Say something that a person should look at, and that is no item's outcome."""
        with self._ticker.lock, self._ticker.unless_it_fails(), transaction.atomic():
            self._job.warning_count += 1
            ledger.remark(self._job, msgid, ref=ref, code=code, params=params)
            self._ticker.flush("warning")

    def result(self, summary: str, *, links: Iterable[dict[str, Any]] = (), **params: Any) -> None:
        """Say what came out of it; shown when the job is over."""
        with self._ticker.lock:
            self._job.result = {"summary": summary, "params": params, "links": list(links)}

    @contextmanager
    def stage(self, label: str, *, share: float, of: int | None = None) -> Iterator[None]:
        """Name a part of the work that makes up `share` (0 to 1) of the bar, one `of` so many."""
        self._stages += 1
        with self._ticker.lock:
            self._job.stage = {
                "index": self._stages,
                "count": of,
                "label": label,
                "base": self._stage_base,
                "share": share,
            }
            self._ticker.flush()
        yield
        self._stage_base = min(1.0, self._stage_base + share)

    def checkpoint(self) -> None:
        """End the run here if somebody asked for it. Called before each item.

        Raises:
            JobCancelled, JobPaused, JobHandedBack: caught by the runner; let them through.
        """
        if self._job.status == Status.CANCELLING:
            raise JobCancelled
        if self._job.status == Status.PAUSING:
            raise JobPaused
        if shutdown.stopping.is_set():
            raise JobHandedBack

    def _give(self, current: _Current) -> Iterator[Any]:
        self.checkpoint()
        self._current = current
        yield current.item
        self._current = None
        if not current.settled:
            # The author does not use item(): coming back for the next one is the success.
            with self._ticker.lock:
                if current.retried:
                    self._settle(current)
                else:
                    self._count(current)
                self._ticker.tick()

    def _reserve(self, current: _Current, ref: str) -> None:
        with self._ticker.lock, self._ticker.unless_it_fails():
            current.track.reserve(current.key, ref, current.after)
            self._ticker.write()

    def _count(self, current: _Current, outcome: str | None = None) -> None:
        """Change the counts in memory; a retried item that succeeds leaves the ledger."""
        self._job.processed_items += 1
        if outcome is None and current.retried:
            ledger.forget(self._job, current.track.number, current.key)
        if outcome is not None:
            counter = ledger.COUNTER_OF[outcome]
            setattr(self._job, counter, getattr(self._job, counter) + 1)
        current.track.settle(current.after)

    def _settle(self, current: _Current, entry: Entry | None = None) -> None:
        """Write an outcome and the counts in one transaction; no entry is plain success."""
        with self._ticker.lock, self._ticker.unless_it_fails(), transaction.atomic():
            if entry is not None:
                ledger.record(self._job, entry)
            self._count(current, entry.outcome if entry else None)
            self._ticker.flush("warning" if entry else "progress")

    def _settle_gone(self, track: Track, key: str) -> None:
        """Enter an item that should have been retried and is not there any more."""
        current = _Current(track, Keyed(key, None, None), retried=True)
        entry = Entry(
            track=track.number, key=key, ref=key, outcome=Outcome.FAILED, msgid=ledger.GONE
        )
        self._settle(current, entry)

    @staticmethod
    def _entry(current: _Current, ref: str, ended: ItemOutcomeError) -> Entry:
        outcome = next(o for error, o in OUTCOME_OF.items() if isinstance(ended, error))
        return Entry(
            track=current.track.number,
            key=current.key,
            ref=ref,
            outcome=outcome,
            code=ended.code,
            msgid=ended.msgid,
            params=ended.params,
        )


def _unforeseen(error: Exception, kind: type[ItemOutcomeError]) -> ItemOutcomeError:
    return kind("%(error)s", code=type(error).__name__, params={"error": str(error)})
