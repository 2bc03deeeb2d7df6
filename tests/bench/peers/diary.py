"""How a peer's worker tells what it did and when."""

from __future__ import annotations

import os
import time

DIARY = os.environ.get("BENCH_DIARY", "")


def note(text: str) -> None:
    """Add a line; the time is taken first."""
    now = time.time()
    with open(DIARY, "a") as file:
        file.write(f"{now} {text}\n")
