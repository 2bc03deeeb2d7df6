"""What a generated file is to be like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from random import Random

#: Numbers for use inside one company (GS1): no real company has them.
BUYER, SUPPLIER = "2900000000018", "2900000000025"


class Flaw(StrEnum):
    """A way to be wrong: of some messages, or (the last three) of the whole file."""

    QUANTITY = "quantity"
    DATE = "date"
    COUNT = "count"
    REFERENCE = "reference"
    TRAILER = "trailer"
    NUMBER = "number"
    TOTAL = "total"
    CONTROL = "control"
    CUT = "cut"


#: Flaws of the whole file.
OF_THE_FILE = frozenset({Flaw.TOTAL, Flaw.CONTROL, Flaw.CUT})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A file's size and its flaws."""

    standard: str = "edifact"
    messages: int = 200
    lines: int = 15
    #: The control reference; a partner's must be new each time.
    reference: str = "DEMO1"
    #: The first message's number; documents are numbered from it.
    first: int = 1
    sender: str = BUYER
    recipient: str = SUPPLIER
    day: date = date(2026, 1, 5)
    #: Ways to be wrong, and how many messages are, evenly spread.
    flaws: tuple[Flaw, ...] = ()
    bad: int = 0
    seed: int = 1

    def random(self) -> Random:
        """Give the file's own chance."""
        return Random(self.seed)  # noqa: S311 (for looks, not for secrets)

    def flaw_of(self, number: int) -> Flaw | None:
        """Give the flaw of a message, counted from 1."""
        flaws = [flaw for flaw in self.flaws if flaw not in OF_THE_FILE]
        if not flaws or not self.bad:
            return None
        every = max(1, self.messages // self.bad)
        place, rest = divmod(number, every)
        if rest or place > self.bad:
            return None
        return flaws[(place - 1) % len(flaws)]

    def has(self, flaw: Flaw) -> bool:
        """Tell whether the whole file has a flaw."""
        return flaw in self.flaws
