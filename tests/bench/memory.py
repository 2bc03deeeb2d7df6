"""How much memory a process takes."""

from __future__ import annotations

import os
import resource
from pathlib import Path


def rss_mb() -> float:
    """Give what this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """Give the most that it has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
