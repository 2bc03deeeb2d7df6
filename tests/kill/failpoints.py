"""The house's side of its failpoints; see tests/kill/app/failpoints.py for the other one."""

from __future__ import annotations

from pathlib import Path


class Failpoints:
    """Where the next process that comes by dies or freezes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder

    def set(self, point: str, deed: str = "kill", times: int = 1) -> None:
        """Let the first process die or freeze that passes a point so many times."""
        file = self._folder / point
        new = file.with_name(f".{point}")
        new.write_text(f"{deed} {times}")
        new.rename(file)

    def struck(self, point: str) -> int | None:
        """Give the process that a failpoint has struck; None while it waits."""
        found = next(self._folder.glob(f"{point}.*.done"), None)
        return int(found.name.split(".")[-2]) if found else None

    def clear(self) -> None:
        """Take every failpoint away, struck or not."""
        for file in self._folder.iterdir():
            file.unlink(missing_ok=True)
