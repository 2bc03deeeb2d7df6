"""Run the benchmarks, all or those named: `python -m tests.bench jobs`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def main(names: list[str]) -> None:
    """Run the modules `bench_<name>`, each by its `main`."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    for name in names or known:
        if name not in known:
            sys.exit(f"There is no benchmark {name}; there is: {', '.join(known)}")
        import_module(f"tests.bench.bench_{name}").main()


HERE = Path(__file__).parent

if __name__ == "__main__":
    main(sys.argv[1:])
