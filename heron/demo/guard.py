"""The demo's last will: if the demo is killed without a chance to clean up, this process does it.

It reads process groups from its standard input, one a line; the end of the input is the demo's
death. A process that was told to end by the kernel's parent-death signal would take care of
itself, but not of its children.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

#: Seconds that the processes get between being asked to end and being killed.
PATIENCE_S = 3.0


class Guard:
    """The guarded side: it says whom to end, and when everything has ended well."""

    def __init__(self, scratch: Path) -> None:
        """Start the guard; it will remove the `scratch` directory."""
        self._popen = subprocess.Popen(
            [sys.executable, "-I", __file__, str(scratch)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            encoding="ascii",
        )

    def watch(self, pid: int) -> None:
        """Put the process group of `pid` under guard."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{pid}\n")
        self._popen.stdin.flush()

    def dismiss(self) -> None:
        """Say that everything is stopped; the guard removes the scratch directory and ends."""
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):
            self._popen.stdin.write("dismissed\n")
            self._popen.stdin.close()
        # A large scratch directory may take it longer, which need not hold us up.
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(1)


def _signal_group(pid: int, number: int) -> bool:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
        return True
    return False


def main() -> None:
    """Wait for the demo's end, then stop what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    lines = [line.strip() for line in sys.stdin]
    if "dismissed" not in lines:
        pids = [int(line) for line in lines]
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and any(_signal_group(pid, 0) for pid in pids):
            time.sleep(0.1)
        for pid in pids:
            _signal_group(pid, signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
