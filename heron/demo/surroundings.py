"""Where a stack of processes lives, and the environment that its processes get."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: What a process may know of the caller's environment: nothing that could name another database.
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "TERM", "LOG_LEVEL", "LD_LIBRARY_PATH")
_PASSED_ON_PREFIXES = ("PYTHON", "LC_", "COVERAGE_")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The folders and ports of one stack."""

    var: Path
    #: A short-lived folder with a short path, for the socket: 107 bytes is all the kernel takes.
    scratch: Path
    web_port: int
    smtp_port: int
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return the address of the site."""
        return f"http://localhost:{self.web_port}"

    @property
    def mailbox(self) -> Path:
        """Return the Maildir into which the mail sink delivers."""
        return self.var / "mailbox"

    @property
    def valkey_socket(self) -> Path:
        """Return the Unix socket on which Valkey listens."""
        return self.scratch / "valkey.sock"

    def environment(self) -> dict[str, str]:
        """Return the environment for every process of the stack."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
        }
        return {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "heron.settings",
            "DEBUG": "1",
            "HERON_VAR_DIR": str(self.var),
            "SECRET_KEY_FILE": str(secret_key_file(self.var)),
            "REDIS_URL": f"unix://{self.valkey_socket}?db=0",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(self.smtp_port),
            "HERON_MAILBOX_DIR": str(self.mailbox),
            # Milliseconds: an idle worker looks for jobs, and notices its end, ten times a second.
            "dramatiq_worker_timeout": "100",
            **self.extra,
        }


def secret_key_file(var: Path) -> Path:
    """Return the file that holds this var directory's secret key, written once."""
    path = var / "secret_key"
    if not path.exists():
        var.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50), encoding="ascii")
    return path


def make_scratch() -> Path:
    """Make a temporary folder whose path leaves room for a socket's name."""
    folder = Path(tempfile.gettempdir())
    if len(os.fsencode(folder)) > 70 or any(c in str(folder) for c in " ?#%"):
        folder = Path("/tmp")  # noqa: S108 (mkdtemp makes a private folder in it)
    return Path(tempfile.mkdtemp(prefix="heron-", dir=folder))


def python(*arguments: str) -> list[str]:
    """Return the command line that runs this very Python."""
    return [sys.executable, *arguments]
