"""One process of the demo: started, listened to, and stopped for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

#: How many of its last lines are quoted when a process dies.
LAST_WORDS = 20


class Process:
    """A child process in a session of its own, so that Ctrl-C reaches only the demo itself.

    Stopping it signals the leader alone: Dramatiq's master passes SIGTERM on, and workers that
    get it twice drop their jobs at once.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path,
        on_line: Callable[[str, str], None],
    ) -> None:
        """Start `argv`; each line that it writes goes to `on_line(name, line)`, in a thread."""
        self.name = name
        self._tail: deque[str] = deque(maxlen=LAST_WORDS)
        self._on_line = on_line
        self._popen = subprocess.Popen(
            [str(part) for part in argv],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Return the process id, which is also its group's."""
        return self._popen.pid

    @property
    def status(self) -> int | None:
        """Return the exit status, None while it runs."""
        return self._popen.poll()

    @property
    def last_words(self) -> str:
        """Return the last lines it wrote."""
        if self.status is not None:
            self._reader.join(timeout=1)
        return "\n".join(f"    {line}" for line in self._tail)

    def terminate(self) -> None:
        """Ask it to end."""
        if self.status is None:
            self._popen.terminate()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; say whether it came."""
        try:
            self._popen.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End it, and whatever it left behind in its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(1)

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with suppress(ValueError):  # closed under us at the end
            for line in self._popen.stdout:
                self._tail.append(line.rstrip())
                self._on_line(self.name, line.rstrip())


def stop_all(processes: Sequence[Process], *, within_s: float) -> list[str]:
    """Stop processes together; return the names of those that had to be killed."""
    deadline = time.monotonic() + within_s
    for process in processes:
        process.terminate()
    stubborn = [p.name for p in processes if not p.wait(deadline - time.monotonic())]
    for process in processes:
        process.kill()
    return stubborn
