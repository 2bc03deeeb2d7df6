"""Where items come from, in an order that is the same each time a job is taken up again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sized
from hashlib import sha256
from itertools import islice
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import Model, QuerySet

from apps.core.texts import storable

T = TypeVar("T")

#: Rows read at a time. Pages rather than one long cursor: an open read would keep SQLite from
#: writing, and would not survive a database that restarts.
PAGE = 200
#: Characters that the ledger keeps of a key.
LONGEST_KEY = 200

Key = str | Callable[[Any], object] | None


class Source(Protocol[T]):
    """Items that can be counted and taken up again. Positions count from 1, over all attempts."""

    def count(self) -> int | None:
        """Count all items; None when that can't be known."""

    def after(self, cursor: Any, position: int) -> Iterator[T]:
        """Give the items behind `cursor`, which is at `position`; None is the beginning."""

    def only(self, keys: Collection[str]) -> Iterator[tuple[str, T]]:
        """Give the items with these keys that still exist, with their keys."""

    def key(self, item: T, position: int) -> str:
        """Give the item's stable name."""

    def cursor(self, position: int) -> Any:
        """Give the cursor right behind the item at `position`, one of those lately given."""


def source_of(items: Iterable[T], key: Key, total: int | None) -> Source[T]:
    """Choose how to read `items`.

    Querysets first: they have a length too, and asking for it would load the whole table.
    """
    if isinstance(items, QuerySet):
        if callable(key):
            raise TypeError("The key of a queryset is the name of a field, not a function.")
        return QuerySetSource(items, key or "pk", total)
    return IterableSource(items, key, total)


class QuerySetSource(Generic[T]):
    """Rows in the order of a unique field, read in pages behind the last key."""

    def __init__(self, rows: QuerySet[Any], key: str, total: int | None) -> None:
        self._rows = rows.order_by(key)
        self._key = key
        self._read = attrgetter(key.replace("__", "."))
        self._total = total
        #: The page being given out and the one before, each with the position before its first
        #: row. One tuple, so that another thread sees both as they belong together.
        self._pages: tuple[tuple[int, list[T]], tuple[int, list[T]]] = ((0, []), (0, []))

    def count(self) -> int | None:
        """Count in the database."""
        return self._rows.count() if self._total is None else self._total

    def after(self, cursor: Any, position: int) -> Iterator[T]:
        """Give the rows whose key is greater than `cursor`."""
        while True:
            rows = (
                self._rows if cursor is None else self._rows.filter(**{f"{self._key}__gt": cursor})
            )
            page: list[T] = list(rows[:PAGE])
            if page:
                self._pages = ((position, page), self._pages[0])
                yield from page
            if len(page) < PAGE:
                return
            position += len(page)
            cursor = self._stored(page[-1])

    def only(self, keys: Collection[str]) -> Iterator[tuple[str, T]]:
        """Give the rows with these keys."""
        wanted = sorted(keys)
        for start in range(0, len(wanted), PAGE):
            page = self._rows.filter(**{f"{self._key}__in": wanted[start : start + PAGE]})
            yield from [(self.key(row, 0), row) for row in page]

    def key(self, item: T, position: int) -> str:
        """Give the row's key."""
        return str(self._read(item))

    def cursor(self, position: int) -> Any:
        """Give the key of the row at `position`."""
        for before, page in self._pages:
            if before < position <= before + len(page):
                return self._stored(page[position - before - 1])
        raise LookupError(f"the row at {position} has been let go")

    def _stored(self, row: T) -> Any:
        value = self._read(row)
        return value if isinstance(value, int) else str(value)


class IterableSource(Generic[T]):
    """Anything that can be iterated; the cursor is the number of items that have gone by."""

    def __init__(self, items: Iterable[T], key: Key, total: int | None) -> None:
        self._items = items
        self._key = key
        self._total = total

    def count(self) -> int | None:
        """Take the length when there is one."""
        if self._total is None and isinstance(self._items, Sized):
            return len(self._items)
        return self._total

    def after(self, cursor: Any, position: int) -> Iterator[T]:
        """Give the items behind the first `cursor` ones."""
        return islice(self._items, int(cursor or 0), None) if cursor else iter(self._items)

    def only(self, keys: Collection[str]) -> Iterator[tuple[str, T]]:
        """Give the items with these keys, in their order."""
        for position, item in enumerate(self._items, start=1):
            key = self.key(item, position)
            if key in keys:
                yield key, item

    def key(self, item: T, position: int) -> str:
        """Name the item as the author said; by its position when they did not."""
        if callable(self._key):
            return _name(self._key(item))
        if isinstance(self._key, str):
            return _name(getattr(item, self._key))
        return str(item.pk if isinstance(item, Model) else position)

    def cursor(self, position: int) -> Any:
        """Give the position."""
        return position


def _name(value: object) -> str:
    """Name an item by a value from who knows where, in a way that the ledger can keep."""
    text: str = storable(str(value))
    if len(text) <= LONGEST_KEY:
        return text
    digest = sha256(text.encode()).hexdigest()[:32]
    return f"{text[: LONGEST_KEY - len(digest) - 1]}…{digest}"
