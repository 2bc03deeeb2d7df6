"""Where items come from, in an order that is the same each time a job is taken up again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sized
from operator import attrgetter
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from django.db.models import Model, QuerySet

T = TypeVar("T")

#: Rows read at a time. Pages rather than one long cursor: an open read would keep SQLite from
#: writing, and would not survive a database that restarts.
PAGE = 200

Key = str | Callable[[Any], object] | None


class Keyed(NamedTuple, Generic[T]):
    """An item, its stable name, and the cursor that stands right behind it."""

    key: str
    item: T
    after: Any


class Source(Protocol[T]):
    """Items that can be counted and taken up again."""

    def count(self) -> int | None:
        """Count all items; None when that can't be known."""

    def after(self, cursor: Any) -> Iterator[Keyed[T]]:
        """Give the items behind `cursor`; None is the beginning."""

    def only(self, keys: Collection[str]) -> Iterator[Keyed[T]]:
        """Give the items with these keys that still exist."""


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

    def count(self) -> int | None:
        """Count in the database."""
        return self._rows.count() if self._total is None else self._total

    def after(self, cursor: Any) -> Iterator[Keyed[T]]:
        """Give the rows whose key is greater than `cursor`."""
        while True:
            rows = (
                self._rows if cursor is None else self._rows.filter(**{f"{self._key}__gt": cursor})
            )
            page = list(rows[:PAGE])
            for row in page:
                keyed = self._keyed(row)
                yield keyed
                cursor = keyed.after
            if len(page) < PAGE:
                return

    def only(self, keys: Collection[str]) -> Iterator[Keyed[T]]:
        """Give the rows with these keys."""
        wanted = sorted(keys)
        for start in range(0, len(wanted), PAGE):
            page = self._rows.filter(**{f"{self._key}__in": wanted[start : start + PAGE]})
            yield from [self._keyed(row) for row in page]

    def _keyed(self, row: T) -> Keyed[T]:
        value = self._read(row)
        stored = value if isinstance(value, int) else str(value)
        return Keyed(str(value), row, stored)


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

    def after(self, cursor: Any) -> Iterator[Keyed[T]]:
        """Give the items behind the first `cursor` ones."""
        passed = int(cursor or 0)
        for keyed in self._all():
            if keyed.after > passed:
                yield keyed

    def only(self, keys: Collection[str]) -> Iterator[Keyed[T]]:
        """Give the items with these keys, in their order."""
        return (keyed for keyed in self._all() if keyed.key in keys)

    def _all(self) -> Iterator[Keyed[T]]:
        for position, item in enumerate(self._items, start=1):
            yield Keyed(self._name(item, position), item, position)

    def _name(self, item: T, position: int) -> str:
        if callable(self._key):
            return str(self._key(item))
        if isinstance(self._key, str):
            return str(getattr(item, self._key))
        return str(item.pk if isinstance(item, Model) else position)
