"""Places where a process dies or freezes when a file says so.

A test writes `<folder>/<point>` with "kill 3" or "stop 3": the third time that any one process
passes the point, it gets SIGKILL or SIGSTOP from itself. Only one does: whoever renames the file.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}

_passed: Counter[tuple[str, int]] = Counter()
_lock = threading.Lock()


def folder() -> Path:
    """Give the folder of this stack's failpoints."""
    return Path(os.environ["KILL_OUTSIDE"]) / "failpoints"


def failpoint(point: str) -> None:
    """Die or freeze here, if somebody wants that."""
    wish = folder() / point
    with suppress(FileNotFoundError):
        changed = wish.stat().st_mtime_ns
        deed, times = wish.read_text().split()
        with _lock:
            _passed[point, changed] += 1
            if _passed[point, changed] != int(times):
                return
            wish.rename(wish.with_name(f"{point}.{os.getpid()}.done"))
        os.kill(os.getpid(), SIGNALS[deed])
