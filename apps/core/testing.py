"""Test doubles for those who write actors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from apps.core.errors import ItemFailed, ItemInDoubt, ItemOutcomeError, ItemPutOff, ItemSkipped
from apps.core.parts import PartActor
from apps.core.sources import Key, source_of
from apps.core.tracker import ProgressTracker

T = TypeVar("T")


class RecordingTracker(ProgressTracker):
    """A tracker without row, worker or broker: `actor.fn(RecordingTracker(), …)`.

    Keeps the keys of the items by outcome, and what was said.
    """

    def __init__(self) -> None:
        self.total: int | None = None
        self.done: list[str] = []
        self.failed: list[str] = []
        self.skipped: list[str] = []
        self.in_doubt: list[str] = []
        self.put_off: list[str] = []
        #: How each item that did not succeed ended, by key.
        self.reasons: dict[str, ItemOutcomeError] = {}
        self.messages: list[str] = []
        self.warnings: list[str] = []
        self.stages: list[str] = []
        self.summary = ""
        self.links: list[dict[str, Any]] = []
        self._key = ""
        self._settled = False
        self._along: list[Callable[[], object]] = []

    @property
    def job_id(self) -> str:
        """A job id that no row has."""
        return "recording"

    @property
    def resumed(self) -> bool:
        """Whether items are counted already."""
        return self.total is not None

    def track(
        self, items: Iterable[T], *, key: Key = None, total: int | None = None
    ) -> Iterator[T]:
        """Give all items."""
        source = source_of(items, key, total)
        self.total = source.count()
        for position, item in enumerate(source.after(None, 0), start=1):
            self._key, self._settled = source.key(item, position), False
            yield item
            if not self._settled:
                self.done.append(self._key)

    @contextmanager
    def item(self, item: object, *, ref: str = "", irreversible: bool = False) -> Iterator[None]:
        """Note how the block ends."""
        self._along = []
        try:
            yield
        except ItemOutcomeError as ended:
            self._note(ended)
        except Exception as error:  # noqa: BLE001 (as the real one)
            kind = ItemInDoubt if irreversible else ItemFailed
            self._note(kind("%(error)s", code=type(error).__name__, params={"error": str(error)}))
        else:
            self.done.append(self._key)
        for write in self._along:
            write()
        self._settled = True

    def on_settle(self, write: Callable[[], object]) -> None:
        """Call `write` when the item has ended."""
        self._along.append(write)

    def advance(self, n: int = 1) -> None:
        """Note anonymous items as done."""
        self.done.extend("" for _ in range(n))

    def expect(self, total: int) -> None:
        """Note the total."""
        self.total = total

    def start_over(self) -> None:
        """Forget what was counted."""
        self.done.clear()
        self.total = None

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """Let the block write."""
        yield

    def message(self, msgid: str, **params: Any) -> None:
        """Note a message."""
        self.messages.append(msgid % params if params else msgid)

    def warn(self, msgid: str, *, ref: str = "", code: str = "", **params: Any) -> None:
        """Note a warning."""
        self.warnings.append(msgid % params if params else msgid)

    def result(self, summary: str, *, links: Iterable[dict[str, Any]] = (), **params: Any) -> None:
        """Note the result."""
        self.summary = summary % params if params else summary
        self.links = list(links)

    @contextmanager
    def stage(self, label: str, *, share: float, of: int | None = None) -> Iterator[None]:
        """Note a stage."""
        self.stages.append(label)
        yield

    def fan_out(self, actor: PartActor, chunks: Iterable[Mapping[str, Any]]) -> None:
        """Do all parts, one after the other; unlike the real one, let the actor go on."""
        for chunk in chunks:
            actor.fn(self, **{name: chunk[name] for name in chunk if name != "total"})

    def checkpoint(self) -> None:
        """Let the actor go on."""

    def _note(self, ended: ItemOutcomeError) -> None:
        self.reasons[self._key] = ended
        if isinstance(ended, ItemSkipped):
            self.skipped.append(self._key)
        elif isinstance(ended, ItemInDoubt):
            self.in_doubt.append(self._key)
        elif isinstance(ended, ItemPutOff):
            self.put_off.append(self._key)
        else:
            self.failed.append(self._key)
