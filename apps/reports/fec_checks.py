"""What must hold before a FEC is offered. Pure: chunks of lines in, faults out.

The lines come in the order of their validation, those of an entry together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop

from apps.reports.document import Chunk
from apps.reports.errors import FecRefusedError
from apps.reports.periods import Period
from apps.reports.sales import UNFIT

#: Faults described; more are only counted.
DESCRIBED = 50
ACCOUNT = re.compile(r"\d{3}[0-9A-Za-z]*\Z")
#: Where a line's text stands.
TEXTS = (0, 4, 5, 6, 7, 8, 9, 12)

Key = tuple[str, int, int]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that the tax office would refuse; `msgid` is translated when it is read."""

    entry: str
    code: str
    msgid: str
    params: dict[str, Any] = field(default_factory=dict)


UNBALANCED = gettext_noop("Debit and credit of the entry differ by %(cents)s cents.")
GAP = gettext_noop("Entry number %(found)s follows %(expected)s: the numbers have a gap.")
OUTSIDE = gettext_noop("%(day)s is not in the financial year.")
ACCOUNT_NUMBER = gettext_noop("“%(account)s” is no account: it has to begin with three digits.")
NO_LABEL = gettext_noop("The entry has no label.")
NO_PIECE = gettext_noop("The entry names no piece.")
NO_ACCOUNT_LABEL = gettext_noop("The account %(account)s has no label.")
CHARACTERS = gettext_noop("A text holds a tab, a line end or a pipe.")
BOTH_SIDES = gettext_noop("A line must have a debit or a credit, and not below zero.")
TOTALS = gettext_noop("All debits and all credits differ by %(cents)s cents.")


class FecChecks:
    """The checks under way."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._entry: Key | None = None
        self._balance = 0
        self._total = 0
        #: Journal → the last entry's number.
        self._last: dict[str, int] = {}
        self._faults: list[Fault] = []
        self._count = 0

    def look_at(self, chunk: Chunk) -> None:
        """Check the next lines."""
        self._look_at_characters(chunk)
        first, last = self._period.first, self._period.last
        for row in chunk:
            (journal, year, number, day, account, account_label, _aux, _name, piece, label) = row[
                :10
            ]
            entry = (journal, year, number)
            if entry != self._entry:
                self._close()
                self._open(entry)
            debit, credit = row[10], row[11]
            self._balance += debit - credit
            if (debit > 0) == (credit > 0) or debit < 0 or credit < 0:
                self._fault(entry, "sides", BOTH_SIDES)
            if not (first is None or first <= day) or day > last:
                self._fault(entry, "date", OUTSIDE, day=day.isoformat())
            if not ACCOUNT.match(account):
                self._fault(entry, "account", ACCOUNT_NUMBER, account=account)
            if not account_label:
                self._fault(entry, "account-label", NO_ACCOUNT_LABEL, account=account)
            if not label:
                self._fault(entry, "label", NO_LABEL)
            if not piece:
                self._fault(entry, "piece", NO_PIECE)

    def finish(self) -> None:
        """Come to an end.

        Raises:
            FecRefusedError: there were faults.
        """
        self._close()
        if self._total:
            self._fault(("", 0, 0), "totals", TOTALS, cents=self._total)
        if self._count:
            raise FecRefusedError(self._faults, self._count)

    def _open(self, entry: Key) -> None:
        journal, _year, number = entry
        expected = self._last.get(journal, 0) + 1
        if number != expected:
            self._fault(entry, "numbers", GAP, found=number, expected=expected - 1)
        self._entry, self._balance = entry, 0
        self._last[journal] = number

    def _close(self) -> None:
        if self._entry is not None and self._balance:
            self._fault(self._entry, "balance", UNBALANCED, cents=self._balance)
        self._total += self._balance
        self._balance = 0

    def _look_at_characters(self, chunk: Chunk) -> None:
        # One search over all of it: there is hardly ever anything to find.
        if UNFIT.search("".join(map("".join, _texts(chunk)))) is None:
            return
        for row, texts in zip(chunk, _texts(chunk), strict=True):
            if UNFIT.search("".join(texts)):
                self._fault((row[0], row[1], row[2]), "characters", CHARACTERS)

    def _fault(self, entry: Key, code: str, msgid: str, **params: Any) -> None:
        self._count += 1
        if len(self._faults) < DESCRIBED:
            name = f"{entry[0]}{entry[1]}-{entry[2]:06d}" if entry[0] else ""
            self._faults.append(Fault(entry=name, code=code, msgid=msgid, params=params))


def _texts(chunk: Chunk) -> Iterator[list[str]]:
    return ([row[place] for place in TEXTS] for row in chunk)
