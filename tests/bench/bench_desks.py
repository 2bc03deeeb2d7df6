"""What the desks do in a second: edi.* of the measures.

Each desk has a module of its own; `BENCH_DESKS=edi` runs only those named.
"""

from __future__ import annotations

import os

from tests.bench import desk_edi

DESKS = {"edi": desk_edi.measure}


def main() -> None:
    """Measure the desks, one after the other."""
    wanted = os.environ.get("BENCH_DESKS", "").split() or list(DESKS)
    for name in wanted:
        DESKS[name]()
