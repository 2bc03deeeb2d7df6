"""Invoices for one test alone, in a running Heron: a customer whose mail server takes its time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

from tests.support.live import LiveHeron

SIZE = 30
#: How long the mail sink takes for each mail. A patient lot is not at its end before a test has
#: done what it wants to do to a running job, however busy the machine is; a brisk one is for
#: tests that wait for the end, and takes nine seconds.
PATIENT_MS = 1000
BRISK_MS = 300
LOTS_AT_A_TIME = 8
#: Long ago, so that lists begin with the demo's own invoices.
ISSUED = date(2020, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Lot:
    """Unsent invoices that a search for the customer's name finds, and nothing else does."""

    customer: str
    invoice_ids: list[int]
    numbers: list[str]


class Lots:
    """Hands out lots that nobody has used; makes some more when there are none left."""

    def __init__(self, heron: LiveHeron) -> None:
        self._heron = heron
        self._ready: dict[int, list[Lot]] = {PATIENT_MS: [], BRISK_MS: []}
        self._made = 0

    def take(self, *, brisk: bool = False) -> Lot:
        """Give a fresh lot."""
        pace_ms = BRISK_MS if brisk else PATIENT_MS
        ready = self._ready[pace_ms]
        if not ready:
            call = f"lots.make({self._made}, {LOTS_AT_A_TIME}, pace_ms={pace_ms})"
            made = json.loads(self._heron.python(f"from tests.support import lots; {call}"))
            ready.extend(Lot(**lot) for lot in made)
            self._made += len(made)
        return ready.pop()


def make(first: int, count: int, *, pace_ms: int) -> None:
    """Make lots in this process's database and print them."""
    from django.db import transaction

    from tests.invoices.factories import make_customer, make_invoice

    made = []
    with transaction.atomic():
        for number in range(first, first + count):
            name = f"Lot {number:03d}"
            email = f"slow-{pace_ms}@lot-{number}.example"
            customer = make_customer(code=f"LOT{number:03d}", name=name, email=email)
            invoices = [make_invoice(customer, issue_date=ISSUED) for _ in range(SIZE)]
            made.append(
                {
                    "customer": name,
                    "invoice_ids": [invoice.pk for invoice in invoices],
                    "numbers": [str(invoice.number) for invoice in invoices],
                }
            )
    print(json.dumps(made))
