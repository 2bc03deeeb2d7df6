"""How Python itself is set in a process that holds streams.

A web process with thousands of open streams has hundreds of thousands of objects that live for
hours, and Python's collector goes through all of them again and again: with 5,000 streams one full
look stops the event loop for 0.4 s, and finds next to nothing. Tuned, it looks at new objects only,
mostly; opening a stream takes a fifth less.

The event loop shares Python's lock with threads, which show pages and look after rights. By default
a thread that calculates keeps it for 5 ms, and each event waits so long for each call of the system
that carries it.
"""

from __future__ import annotations

import gc
import sys

#: Objects made before a look at the young ones; and how many looks before one at the older ones.
THRESHOLDS = (50_000, 20, 100)
#: Seconds that a thread may keep the lock while another one waits for it.
SWITCH_SECONDS = 0.0005


def tune() -> None:
    """Set what is loaded aside, and look more rarely; let the loop wait less. Once is enough."""
    if gc.get_threshold() != THRESHOLDS:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        sys.setswitchinterval(SWITCH_SECONDS)
