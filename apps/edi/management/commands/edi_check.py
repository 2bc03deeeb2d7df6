"""`manage.py edi_check`: read files without importing them, and say what is wrong with them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.texts import render
from apps.edi import mapping, words
from apps.edi.reader import End, Fault, Message, Unreadable, chunks_of, read, sniff
from apps.edi.reader.sniff import HEAD_BYTES

#: Faults of one file that are written out.
MOST = 200


class Command(BaseCommand):
    """Check EDI files."""

    help = (
        "Read EDI files and say what is wrong with them; one JSON object a file. Imports nothing."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take the files."""
        parser.add_argument("files", type=Path, nargs="+")
        parser.add_argument("--charset", help="read them in this character set whatever they say")

    def handle(self, **options: Any) -> None:
        """Check each."""
        for path in options["files"]:
            try:
                report = check(path, options["charset"])
            except OSError as error:
                raise CommandError(f"{path} can't be read: {error}") from error
            self.stdout.write(json.dumps(report, ensure_ascii=False))


def check(path: Path, charset: str | None = None) -> dict[str, Any]:
    """Read a file to its end; say how many messages it has, and every fault."""
    messages = faulty = documents = 0
    faults: list[Fault] = []
    fatal: Fault | None = None
    with path.open("rb") as file:
        standard = sniff(file.read(HEAD_BYTES))
        file.seek(0)
        try:
            for event in read(chunks_of(file), charset):
                if isinstance(event, Message):
                    draft = mapping.draft_of(event)
                    findings = draft.findings if draft else []
                    messages += 1
                    faulty += bool(event.faults)
                    documents += draft is not None and not draft.refusals
                    faults += [*event.faults, *findings]
                elif isinstance(event, End):
                    faults += event.interchange.faults
                del faults[MOST:]
        except Unreadable as lost:
            fatal = lost.fault
    return {
        "file": path.name,
        "standard": standard,
        "messages": messages,
        "with_errors": faulty,
        "documents": documents,
        "codes": sorted({fault.code for fault in faults}),
        "fatal": _told(fatal) if fatal else None,
        "faults": [_told(fault) for fault in faults],
    }


def _told(fault: Fault) -> dict[str, Any]:
    msgid, params = words.of(fault)
    return {
        "code": fault.code,
        "segment": fault.segment,
        "offset": fault.offset,
        "text": render(msgid, params),
    }
