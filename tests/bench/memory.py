"""How much memory a process takes."""

from __future__ import annotations

import re
from pathlib import Path


def rss_mb() -> float:
    """Give what this process holds now."""
    return _status("VmRSS")


def peak_mb() -> float:
    """Give the most that it has held: getrusage would count its parent's before the exec too."""
    return _status("VmHWM")


def _status(name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / 1e6
