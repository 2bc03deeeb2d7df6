"""A watched folder: what is put into it is imported.

    DIR/orders.edi                    put there by somebody; left alone while it is being written
    DIR/.working/<uuid>--orders.edi   picked up, by a rename that only one watcher can make
    DIR/done/<uuid>--orders.edi       received: stored, and its import started
    DIR/failed/<uuid>--orders.edi     not taken, such as one that is too large

The uuid names the pick-up in the database, which lets it be received once. So a watcher may be
killed anywhere, and any number of them may watch one folder.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DatabaseError, IntegrityError

from apps.edi.errors import TooLargeError
from apps.edi.intake import receive
from apps.edi.models import EdiFile

#: A file that has not changed for so long is whole, unless its writer says otherwise by its name.
SETTLE_SECONDS = 2.0
#: Names of files that their writers will rename.
UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
WORKING, DONE, FAILED = ".working", "done", "failed"
SEPARATOR = "--"

logger = logging.getLogger(__name__)


class Folder:
    """A watched folder; `settle` is how long (in seconds) a file must not have changed."""

    def __init__(
        self, path: Path, user: AbstractBaseUser | None = None, settle: float = SETTLE_SECONDS
    ) -> None:
        self._path = path
        self._user = user
        self._settle = settle
        #: Name → size and time of the last look: a clock that differs from ours fools nobody.
        self._seen: dict[str, tuple[int, int, float]] = {}

    def prepare(self) -> None:
        """Make the folders that there have to be."""
        for name in (WORKING, DONE, FAILED):
            (self._path / name).mkdir(exist_ok=True)

    def look(self) -> int:
        """Receive what is whole, and what a killed watcher has left; give how many that were."""
        received = 0
        for path in (*self._left_over(), *self._picked_up()):
            received += self._take(path)
        return received

    @property
    def is_waiting(self) -> bool:
        """Whether files are there that were changed too lately."""
        return bool(self._seen)

    def _left_over(self) -> Iterator[Path]:
        yield from sorted((self._path / WORKING).iterdir())

    def _picked_up(self) -> Iterator[Path]:
        """Take whole files out of everybody else's sight."""
        there = {}
        for path in sorted(self._path.iterdir()):
            name = path.name
            if name.startswith(".") or name.lower().endswith(UNFINISHED):
                continue
            if path.is_symlink() or not path.is_file():
                continue
            there[name] = path
        self._seen = {name: seen for name, seen in self._seen.items() if name in there}
        for name, path in there.items():
            if not self._is_whole(path):
                continue
            target = self._path / WORKING / f"{uuid.uuid4()}{SEPARATOR}{name}"
            try:
                path.rename(target)
            except OSError:
                # Another watcher was faster, or it may not be moved: the next look tells.
                continue
            self._seen.pop(name, None)
            yield target

    def _is_whole(self, path: Path) -> bool:
        try:
            found = path.stat()
        except FileNotFoundError:
            return False
        size, changed, since = self._seen.get(path.name, (-1, -1, 0.0))
        now = time.monotonic()
        if (found.st_size, found.st_mtime_ns) != (size, changed):
            self._seen[path.name] = (found.st_size, found.st_mtime_ns, now)
            return self._settle <= 0
        return now - since >= self._settle

    def _take(self, path: Path) -> int:
        """Receive a file that is picked up, and put it where it belongs; 1 if it was received."""
        pickup, _, name = path.name.partition(SEPARATOR)
        try:
            key = uuid.UUID(pickup)
        except ValueError:
            return 0  # not of ours
        try:
            known = EdiFile.objects.filter(pickup=key).exists()
            if not known:
                with path.open("rb") as content:
                    receive(content, name, self._user, pickup=key)
        except IntegrityError:
            known = True
        except FileNotFoundError:
            return 0  # another watcher has ended this one's work
        except TooLargeError as error:
            logger.error("%s", error)
            self._put(path, FAILED)
            return 0
        except (DatabaseError, OSError) as error:
            logger.warning("%s is tried again later: %s", name, error)
            return 0
        self._put(path, DONE)
        if not known:
            logger.info("%s was received", name)
        return int(not known)

    def _put(self, path: Path, folder: str) -> None:
        try:
            path.rename(self._path / folder / path.name)
        except FileNotFoundError:
            return  # by another watcher
