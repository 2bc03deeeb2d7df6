"""What all benchmarks share: interleaved rounds, medians, one JSON object a line.

Contenders take turns within each round, so that a machine that gets slower (it does) gets slower
for all of them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median

Samples = dict[str, list[float]]

#: Rounds, unless a benchmark says otherwise. `BENCH_ROUNDS=20 make bench` for a long look.
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
#: The contender that others are compared with.
OURS = "heron"


def interleaved(contenders: Mapping[str, Callable[[], float]], *, rounds: int = ROUNDS) -> Samples:
    """Measure each contender once per round, in turns; the first of a round is another each time.

    Returns:
        Each contender's samples.
    """
    names = list(contenders)
    samples: Samples = {name: [] for name in names}
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            samples[name].append(contenders[name]())
    return samples


def report(measure: str, unit: str, samples: Samples, *, digits: int = 2, note: str = "") -> None:
    """Print ours against each other contender: medians, ratio = ours / theirs."""
    ours = samples[OURS]
    others = [name for name in samples if name != OURS]
    for name in others or ["none"]:
        theirs = median(samples[name]) if name in samples else None
        line(
            measure,
            round(median(ours), digits),
            unit,
            against=name,
            against_value=None if theirs is None else round(theirs, digits),
            ratio=None if not theirs else round(median(ours) / theirs, 5),
            n=len(ours),
            note=f"{note}{'; ' if note else ''}{spread(ours, digits)}",
        )


def line(
    measure: str,
    value: float,
    unit: str,
    *,
    against: str = "none",
    against_value: float | None = None,
    ratio: float | None = None,
    n: int = 1,
    note: str = "",
) -> None:
    """Print one measure."""
    fields = {
        "measure": measure,
        "value": value,
        "unit": unit,
        "against": against,
        "against_value": against_value,
        "ratio": ratio,
        "n": n,
        "note": note,
    }
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def spread(samples: Sequence[float], digits: int = 2) -> str:
    """Say how far apart the samples lie."""
    return f"{round(min(samples), digits)} to {round(max(samples), digits)}"
