"""Invoice numbers: one sequence a year and a prefix, without gaps."""

from __future__ import annotations

from apps.invoices.models import InvoiceKind, NumberSequence

PREFIXES = {InvoiceKind.INVOICE: "F", InvoiceKind.CREDIT_NOTE: "A"}


def next_numbers(kind: InvoiceKind, year: int, count: int) -> list[str]:
    """Take the next numbers, inside the caller's transaction.

    The sequence's row stays locked until that transaction ends: a rolled back one gives its numbers
    back, so there is never a hole. (SQLite ignores `select_for_update`; there the transaction
    itself, begun IMMEDIATE, is the lock.)
    """
    prefix = PREFIXES[kind]
    NumberSequence.objects.get_or_create(prefix=prefix, year=year)
    sequence = NumberSequence.objects.select_for_update().get(prefix=prefix, year=year)
    first = sequence.last + 1
    sequence.last += count
    sequence.save(update_fields=["last"])
    return [f"{prefix}{year}-{number:05d}" for number in range(first, first + count)]
