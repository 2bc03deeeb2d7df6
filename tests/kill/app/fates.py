"""Which items fail, which are skipped, and how many go into a part: what tests know of actors."""

from __future__ import annotations

#: Each so many-th.
FAILS, SKIPS = 17, 23
#: Items in a part of a job that is shared out.
PART = 20
