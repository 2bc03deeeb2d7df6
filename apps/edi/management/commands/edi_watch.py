"""`manage.py edi_watch DIR`: import what is put into a folder."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from apps.edi.watching import SETTLE_SECONDS, Folder


class Command(BaseCommand):
    """Watch a folder."""

    help = (
        "Import every file that is put into DIR. Files are taken once they have not changed for a "
        "while; received ones are moved to DIR/done, others to DIR/failed."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the folder."""
        parser.add_argument("dir", type=Path)
        parser.add_argument("--once", action="store_true", help="take what is there, then end")
        parser.add_argument("--user", help="whose the files are; staff sees them in any case")
        parser.add_argument("--interval", type=float, default=2.0, help="seconds between looks")
        parser.add_argument(
            "--settle",
            type=float,
            default=SETTLE_SECONDS,
            help="seconds that a file must not have changed for",
        )

    def handle(self, **options: Any) -> None:
        """Watch until a signal comes."""
        path: Path = options["dir"]
        if not path.is_dir():
            raise CommandError(f"{path} is no folder.")
        folder = Folder(path, _user(options["user"]), options["settle"])
        try:
            folder.prepare()
        except OSError as error:
            raise CommandError(f"{path} can't be written to: {error}") from error
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        received = folder.look()
        if options["once"]:
            while folder.is_waiting and not stop.wait(options["settle"]):
                received += folder.look()
            self.stdout.write(f"{received} received")
            return
        while not stop.wait(options["interval"]):
            close_old_connections()
            folder.look()


def _user(name: str | None) -> Any:
    if not name:
        return None
    found = get_user_model().objects.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no user {name}.")
    return found
