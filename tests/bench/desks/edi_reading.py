"""Read one file to its end, with our reader or with pydifact; say how long and how much memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import perf_counter

from tests.bench.memory import peak_mb, rss_mb


def ours(path: Path) -> int:
    """Check every envelope and split every element."""
    from apps.edi.reader import Message, chunks_of, read

    segments = 0
    with path.open("rb") as file:
        for event in read(chunks_of(file)):
            if isinstance(event, Message):
                for segment in event.segments:
                    segments += len(segment.elements) > 0
    return segments


def pydifact(path: Path) -> int:
    """Parse the whole file, and go through its messages."""
    from pydifact.segmentcollection import Interchange

    interchange = Interchange.from_str(path.read_text("iso8859-1"))
    return sum(len(message.segments) + 2 for message in interchange.get_messages())


WAYS: dict[str, Callable[[Path], int]] = {"heron": ours, "pydifact": pydifact}
#: What is loaded before the clock runs.
MODULES = {"heron": "apps.edi.reader", "pydifact": "pydifact.segmentcollection"}

if __name__ == "__main__":
    way, file_path = WAYS[sys.argv[1]], Path(sys.argv[2])
    import_module(MODULES[sys.argv[1]])
    before = rss_mb()
    start = perf_counter()
    found = way(file_path)
    told = {
        "seconds": perf_counter() - start,
        "grown_mb": max(peak_mb(), rss_mb()) - before,
        "segments": found,
    }
    sys.stdout.write(json.dumps(told) + "\n")
