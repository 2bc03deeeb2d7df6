"""Which items fail, and which are skipped: each so many-th."""

from __future__ import annotations

FAILS, SKIPS = 17, 23
