"""Values written as text, each distinct one once: a ledger repeats itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Distinct values kept; then it starts again, so that a million labels don't fill the memory.
LIMIT = 10_000


class Memo(dict[Any, str]):
    """Looks a value's text up, or makes it: `map(memo.__getitem__, column)` runs in C."""

    def __init__(self, make: Callable[[Any], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: Any) -> str:
        """Make the text of a value that has not been met lately."""
        if len(self) >= LIMIT:
            self.clear()
        self[value] = text = self._make(value)
        return text
