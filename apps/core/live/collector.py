"""Spare the garbage collector what never becomes garbage.

A web process with thousands of open streams has millions of objects that live for hours. Python's
collector goes through all of them again and again; tuned, it looks at new ones only, mostly.
"""

from __future__ import annotations

import gc

#: Objects made before a look at the young ones; and how many looks before one at the older ones.
THRESHOLDS = (50_000, 20, 100)


def tune() -> None:
    """Set what is loaded aside, and look more rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
