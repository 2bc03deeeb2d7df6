"""Finds a Chromium for the browser tests, or installs Debian's where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = f"""
{"!" * 78}
!!  NO BROWSER: the browser tests (tests/e2e) DID NOT RUN.
!!  Install one of {", ".join(NAMES)}
!!  (on Debian: apt-get install chromium), then run `make e2e`.
{"!" * 78}
"""


def find() -> str | None:
    """Return the path of a Chromium, None if this machine has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def install() -> None:
    """Install Debian's Chromium if this is root on a Debian; otherwise do nothing."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("No Chromium here: installing Debian's ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium"],
    ):
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def main() -> int:
    """Make sure that there is a browser; fail without one only where nothing may be skipped."""
    if not find():
        install()
    if not find():
        print(MISSING, flush=True)
        return 1 if os.environ.get("CI") else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
