"""The time that a report is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _


@dataclass(frozen=True, kw_only=True)
class Period:
    """From one day to another, both included; without a first day, everything up to the last."""

    first: date | None = None
    last: date

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Period:
        """Read what `as_json` gave."""
        first = stored.get("first")
        return cls(
            first=date.fromisoformat(first) if first else None,
            last=date.fromisoformat(stored["last"]),
        )

    def as_json(self) -> dict[str, Any]:
        """Give it as a row keeps it."""
        return {
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat(),
        }

    def __str__(self) -> str:
        """Say it in the active language."""
        last = formats.date_format(self.last, "SHORT_DATE_FORMAT")
        if self.first is None:
            return _("on %(day)s") % {"day": last}
        first = formats.date_format(self.first, "SHORT_DATE_FORMAT")
        return _("%(first)s to %(last)s") % {"first": first, "last": last}
