"""The folder of the reports' files: private, written under other names, offered by renaming.

A file is served by a view that asks who wants it; the folder is outside of what a web server sees.
Whatever an attempt writes lies in a folder of its own (`.<report>.<token>`), so that what a killed
one leaves behind is known and removed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from apps.reports.models import Report


def folder() -> Path:
    """Give the folder, made if need be, for this user of the system alone."""
    path = Path(settings.HERON_REPORTS_DIR)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def path_of(stored_name: str) -> Path:
    """Give where a file lies."""
    return folder() / stored_name


def free_bytes() -> int:
    """Give the room that is left."""
    return shutil.disk_usage(folder()).free


@contextmanager
def workplace(report: Report) -> Iterator[Path]:
    """Give a folder to write in, and remove it in the end, whatever happened."""
    path = folder() / f".{report.uuid}.{secrets.token_hex(8)}"
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def publish(report: Report, written: Path, extension: str) -> str:
    """Give a file that is finished a name that lasts; return the name."""
    stored_name = f"{report.uuid}.{secrets.token_hex(8)}.{extension}"
    with written.open("rb") as file:
        os.fsync(file.fileno())
    written.replace(path_of(stored_name))
    return stored_name


def sha256_of(path: Path) -> str:
    """Compute a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(report: Report) -> None:
    """Remove what earlier attempts left behind, but not the file that is offered."""
    for path in [*folder().glob(f".{report.uuid}.*"), *folder().glob(f"{report.uuid}.*")]:
        if path.name == report.stored_name:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def remove(stored_name: str) -> None:
    """Remove a file; it may be gone."""
    if stored_name:
        path_of(stored_name).unlink(missing_ok=True)
