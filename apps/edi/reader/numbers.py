"""Counts and dates as envelopes write them."""

from __future__ import annotations

from datetime import datetime


def announces(written: str, found: int) -> bool:
    """Tell whether a trailer's count is what was found; leading zeros are allowed."""
    return written.isascii() and written.isdigit() and len(written) <= 12 and int(written) == found


def moment(day: str, time: str) -> datetime | None:
    """Read YYMMDD or YYYYMMDD and HHMM[SS]; None when there is no such moment.

    A missing time is midnight: some write none.
    """
    if not (day.isascii() and day.isdigit() and len(day) in (6, 8)):
        return None
    if time and not (time.isascii() and time.isdigit() and len(time) in (4, 6, 7, 8)):
        return None
    year = int(day[:-4])
    if len(day) == 6:
        year += 2000 if year < 80 else 1900
    try:
        return datetime(  # noqa: DTZ001 (no time zone is given)
            year,
            int(day[-4:-2]),
            int(day[-2:]),
            int(time[:2] or 0),
            int(time[2:4] or 0),
            int(time[4:6] or 0),
        )
    except ValueError:
        return None
