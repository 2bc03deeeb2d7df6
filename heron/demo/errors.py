"""What can keep the demo from running."""

from __future__ import annotations


class DemoError(Exception):
    """Base of every reason for the demo to stop with a message."""


class AlreadyRunning(DemoError):
    """Raised when another demo holds this folder's var directory."""

    def __init__(self, holder: str) -> None:
        """Name the holder, which wrote its process id and address into the lock file."""
        self.holder = holder
        super().__init__(
            f"A demo is already running in this folder ({holder}).\n"
            "Use that one, or stop it first with Ctrl-C in its terminal."
        )


class ProcessDied(DemoError):
    """Raised when one of the demo's processes ends by itself."""

    def __init__(self, name: str, status: int, last_words: str) -> None:
        """Keep the process's name, exit status and the last lines it wrote."""
        self.name = name
        self.status = status
        self.last_words = last_words
        super().__init__(
            f"The {name} process ended by itself with status {status}. Its last words:\n"
            f"{last_words or '(none)'}"
        )


class NotReady(DemoError):
    """Raised when a process is up but does not answer in time."""

    def __init__(self, name: str, seconds: float, last_words: str) -> None:
        """Keep the process's name, how long it was waited for, and what it wrote last."""
        self.name = name
        super().__init__(
            f"The {name} process gave no answer within {seconds:.0f} s. Its last words:\n"
            f"{last_words or '(none)'}"
        )


class Stopped(DemoError):
    """Raised when a signal asks the demo to stop."""

    def __init__(self, signal_name: str) -> None:
        """Keep the signal's name."""
        self.signal_name = signal_name
        super().__init__(f"Stopped by {signal_name}.")


class RunFailed(DemoError):
    """Raised when the once-run can't go on, or what it saw is not what it should be."""
