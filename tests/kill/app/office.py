"""`python -m tests.kill.app.office`: where people click, as a process that can be killed too.

Reads a JSON list a line, such as ["begin", "exact", 100, 0.001], and answers with a job's id.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.kill.app.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import close_old_connections, connection, transaction  # noqa: E402

from apps.core import decisions, verbs  # noqa: E402
from apps.core.actors import ProgressActor  # noqa: E402
from apps.core.bin.sse_progress import SSEProgressTracker  # noqa: E402
from apps.core.errors import ProgressError  # noqa: E402
from apps.core.handoff import ring  # noqa: E402
from apps.core.models import Decision, SSEProgress  # noqa: E402
from apps.invoices.models import Invoice  # noqa: E402
from apps.invoices.views.views_send import start  # noqa: E402
from tests.invoices.factories import make_customer, make_invoice  # noqa: E402
from tests.kill.app import actors  # noqa: E402
from tests.kill.app.models import Item  # noqa: E402

#: Says that the plain job under way may end.
enough_said = threading.Event()


def furnish(items: int) -> None:
    """Put there what the jobs work on."""
    Item.objects.bulk_create([Item(pk=number) for number in range(1, items + 1)])
    User.objects.create_user("clerk", password="clerk")


def begin(actor: str, items: int, seconds: float) -> str:
    """Start a job of the kill tests' own."""
    found: ProgressActor[Any] = getattr(actors, actor)
    return found.start_for(User.objects.get(), items, seconds).job_id


def invoices(addresses: list[str]) -> list[int]:
    """Make an invoice for each address."""
    with transaction.atomic():
        customers = [make_customer(email=each, code=uuid4().hex[:12]) for each in addresses]
        return [make_invoice(customer).pk for customer in customers]


def mail(addresses: list[str]) -> str:
    """Send an invoice to each address."""
    made = invoices(addresses)
    mailing, _ = start(User.objects.get(), Invoice.objects.filter(pk__in=made))
    assert mailing.job_id is not None
    return mailing.job_id


def plain() -> str:
    """Do something in a thread of the office, as the guide has it, until `enough` is said."""
    job = SSEProgress.objects.create(task_type="plain", user=User.objects.get())
    enough_said.clear()

    def work() -> None:
        tracker = SSEProgressTracker(job.job_id)
        tracker.send_start()
        number = 0
        while not enough_said.wait(0.2):
            number += 1
            tracker.send_progress(number)
        tracker.send_complete(number)
        connection.close()

    threading.Thread(target=work, daemon=True).start()
    return job.job_id


def enough() -> None:
    """Let the plain job come to its end."""
    enough_said.set()


def ask(verb: str, job_id: str) -> bool:
    """Cancel, pause, resume or retry a job; False when that is not possible now."""
    try:
        verbs.VERBS[verb](SSEProgress.objects.get(pk=job_id))
    except ProgressError:
        return False
    return True


def decide(decision: str, job_id: str) -> bool:
    """Decide about all items in doubt; False when there are none."""
    job, user = SSEProgress.objects.get(pk=job_id), User.objects.get()
    try:
        decisions.decide(job, Decision(decision), user)
    except ProgressError:
        return False
    return True


def double(job_id: str, times: int) -> None:
    """Send the job's message again and again."""
    for _ in range(times):
        ring(SSEProgress.objects.get(pk=job_id))


CHORES = (furnish, begin, invoices, mail, plain, enough, ask, decide, double)
COMMANDS: dict[str, Callable[..., Any]] = {chore.__name__: chore for chore in CHORES}


def main() -> None:
    """Do what is asked, until nobody asks any more."""
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        close_old_connections()
        sys.stdout.write(f"answer {json.dumps(COMMANDS[name](*arguments))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
