"""What the desks' work costs: each module of `desks` that has no underscore in its name.

`BENCH_DESKS="edi report"` for some of them.
"""

from __future__ import annotations

import os
import pkgutil
from importlib import import_module

from tests.bench import desks


def main() -> None:
    """Measure one desk after the other."""
    there = [module.name for module in pkgutil.iter_modules(desks.__path__)]
    known = sorted(name for name in there if "_" not in name)
    for name in os.environ.get("BENCH_DESKS", "").split() or known:
        import_module(f"tests.bench.desks.{name}").main()
