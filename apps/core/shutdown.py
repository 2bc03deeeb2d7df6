"""Whether this process is stopping; asked between two items of a job."""

from __future__ import annotations

import threading

#: Set once, by the worker's middleware, when the process is told to stop.
stopping = threading.Event()
