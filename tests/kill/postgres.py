"""A PostgreSQL that can crash and come back."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress

from tests.support import postgres

#: What has been committed must survive a crash of the server, or a reserved item could be repeated.
OPTIONS = {**postgres.SETTINGS, "synchronous_commit": "on"}


class CrashingPostgres(postgres.Postgres):
    """A server of one stack alone."""

    def crash(self) -> None:
        """Stop at once, as `pg_ctl stop -m immediate` does: no goodbye, recovery at the start."""
        assert self._server is not None
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(20)

    def shut_down(self) -> None:
        """Stop as `pg_ctl stop -m fast` does: every client is sent away, and nothing is left."""
        assert self._server is not None
        self._server.send_signal(signal.SIGINT)
        self._server.wait(20)

    def come_back(self) -> None:
        """Start again on the same data, and wait until it answers."""
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        options = [f"-c{name}={value}" for name, value in OPTIONS.items()]
        self._server = subprocess.Popen(
            [str(self._programs / "postgres"), f"-D{self._data}", f"-k{self._folder}", *options],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self._identity(),
        )
        self._guard.watch(self._server.pid)
        self._wait(self._server)

    def stop(self) -> None:
        """Stop and clean up, however long that takes."""
        with suppress(subprocess.TimeoutExpired):
            super().stop()

    def start(self) -> None:
        """Start, and once more with our own options."""
        super().start()
        self.crash()
        self.come_back()
