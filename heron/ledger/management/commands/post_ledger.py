"""`manage.py post_ledger`: write the ledger's entries for invoices that have none yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import prefetch_related_objects

from apps.invoices.models import Invoice
from heron.ledger.bookkeeping import CURRENCY, post_invoices, post_payments

#: Invoices posted in one transaction.
BATCH = 500


class Command(BaseCommand):
    """Catch up with invoices validated before there was a ledger, or paid since."""

    help = "Post validated invoices to the ledger and what was paid of them; may be run again."

    def handle(self, *args: Any, **options: Any) -> None:
        """Post in the order of the dates, and say in one line what was done."""
        posted = sum(map(_post, _batches()))
        self.stdout.write(f"Posted: {posted} invoices")
        foreign = Invoice.objects.validated().exclude(currency=CURRENCY).count()
        if foreign:
            self.stderr.write(f"Left out, because they are not in {CURRENCY}: {foreign} invoices")


def _post(batch: list[Invoice]) -> int:
    with transaction.atomic():
        posted = post_invoices(batch)
        post_payments(batch)
    return posted


def _batches() -> Iterator[list[Invoice]]:
    ours = Invoice.objects.validated().filter(currency=CURRENCY)
    pks = list(ours.order_by("issue_date", "number").values_list("pk", flat=True))
    for start in range(0, len(pks), BATCH):
        found = Invoice.objects.in_bulk(pks[start : start + BATCH])
        batch = [found[pk] for pk in pks[start : start + BATCH]]
        prefetch_related_objects(batch, "lines")
        yield batch
