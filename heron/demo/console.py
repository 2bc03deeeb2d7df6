"""What the demo writes to the terminal."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

_COLOURS = {"web": 36, "worker": 33, "scheduler": 35, "mail": 32, "valkey": 34}
_WIDTH = max(map(len, _COLOURS))


def readable(line: str) -> str:
    """Turn one JSON log line into a line for people; leave every other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return line
    level = record.get("level", "")
    text = f"{'' if level == 'INFO' else level + ' '}{record.get('message', '')}"
    job = record.get("job_id")
    trace = record.get("exc_info")
    return f"{text}{f' [{job}]' if job else ''}" + (f"\n{trace}" if trace else "")


class Console:
    """Prints the processes' lines side by side, each behind its process's name."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Print to `stream`, by default to standard output."""
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._coloured = self._stream.isatty()

    def say(self, text: str = "") -> None:
        """Print something of the demo's own."""
        with self._lock:
            print(text, file=self._stream, flush=True)

    def line(self, name: str, text: str) -> None:
        """Print a line that a process wrote."""
        label = f"{name:<{_WIDTH}} |"
        if self._coloured:
            label = f"\x1b[{_COLOURS.get(name, 37)}m{label}\x1b[0m"
        for part in readable(text).splitlines():
            self.say(f"{label} {part}")


class LogFiles:
    """Keeps the processes' lines in files, one a process."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def line(self, name: str, text: str) -> None:
        """Append a line that a process wrote."""
        with (self._folder / f"{name}.log").open("a", encoding="utf-8") as log:
            log.write(text + "\n")


class ProgressLine:
    """A live progress bar in a terminal; in a pipe, a plain line every few percent."""

    _STEP = 10

    def __init__(self, stream: TextIO | None = None) -> None:
        """Draw on `stream`, by default on standard output."""
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._next = 0

    def show(self, snapshot: dict[str, Any]) -> None:
        """Show the state of a job."""
        percent = snapshot.get("percent") or 0
        text = self._text(snapshot, percent)
        if self._live:
            filled = percent * 30 // 100
            bar = "█" * filled + "░" * (30 - filled)
            # A line that wraps could not be drawn over.
            line = f"  {bar} {text}"[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[2K{line}", end="", file=self._stream, flush=True)
        elif percent >= self._next:
            self._next = percent - percent % self._STEP + self._STEP
            print(f"  {text}", file=self._stream, flush=True)

    def close(self, last_word: str) -> None:
        """Leave the live line, with a last word below it."""
        print(f"\n  {last_word}" if self._live else f"  {last_word}", file=self._stream, flush=True)

    @staticmethod
    def _text(snapshot: dict[str, Any], percent: int) -> str:
        counts = snapshot.get("counts") or {}
        total = snapshot.get("total")
        parts = [f"{percent:3d} %", f"{snapshot.get('current', 0)} of {total or '?'}"]
        parts += [
            f"{counts[name]} {name.replace('_', ' ')}"
            for name in ("done", "skipped", "failed", "in_doubt")
            if counts.get(name)
        ]
        if snapshot.get("rate"):
            parts.append(f"{snapshot['rate']:.0f}/s")
        parts.append(str(snapshot.get("status", "")))
        return " · ".join(parts)
