"""Import one file into a new database: as a job, or the same without progress and books."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

#: Items that share a transaction, as in a job.
BATCH = 100


def heron(file: Any) -> None:
    """Make the attempt that a worker would."""
    from apps.core.runner import run
    from apps.edi.actors import import_file

    run(file.job_id, import_file.fn)


def bare(file: Any) -> None:
    """Check the file and import each message in a plain loop, in transactions of as many items."""
    from django.db import transaction

    from apps.edi import importing, settling
    from apps.edi.acknowledgements import acknowledge
    from apps.edi.models import EdiMessage
    from apps.edi.scanning import scan

    scan(file, "bare")
    last = 0
    wanted = EdiMessage.objects.filter(taken_by="bare").select_related("interchange__partner")
    with file.open() as content:
        while page := list(wanted.filter(pk__gt=last).order_by("pk")[:BATCH]):
            with transaction.atomic():
                for message in page:
                    importing.take(message, content)
            last = page[-1].pk
    for interchange in file.interchanges.all():
        settling.settle_interchange(interchange)
        acknowledge(interchange)
    settling.settle_file(file)


WAYS = {"heron": heron, "bare": bare}


def main(way: str, path: Path) -> dict[str, Any]:
    """Import the file; give the seconds and the peak of memory."""
    import django

    django.setup()
    from django.core.management import call_command

    from apps.edi.demo_data import Plan
    from apps.edi.intake import receive
    from apps.edi.models import Document, Partner
    from tests.bench.memory import peak_mb

    call_command("migrate", verbosity=0)
    Partner.objects.create(name="Nord", edi_id=Plan().sender, qualifier="14")
    with path.open("rb") as content:
        file = receive(content, path.name, None)
    start = perf_counter()
    WAYS[way](file)
    return {
        "seconds": perf_counter() - start,
        "peak_mb": peak_mb(),
        "documents": Document.objects.count(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]))) + "\n")
