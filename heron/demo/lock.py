"""One demo per var directory."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO

from heron.demo.errors import AlreadyRunning


class VarLock:
    """A lock file that the kernel frees when its holder dies, however it dies."""

    def __init__(self, path: Path) -> None:
        """Take the lock, or raise AlreadyRunning with what its holder wrote into it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "just starting"
            self._file.close()
            raise AlreadyRunning(holder) from None
        self.describe("just starting")

    def describe(self, holder: str) -> None:
        """Write who holds the lock, for those who find it taken."""
        self._file.truncate(0)
        self._file.write(holder)
        self._file.flush()

    def release(self) -> None:
        """Give the lock back."""
        self._file.truncate(0)
        self._file.close()
