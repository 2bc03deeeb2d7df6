"""The two writes around every mail: the claim before it, the outcome after it.

Guarded updates, written out: for Django to compile them anew for each of ten thousand mails takes
longer than it takes the database to do them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from django.db import connections, router, transaction
from django.utils import timezone

from apps.invoices.models import Delivery, DeliveryStatus

#: From where a worker may claim a delivery: no mail of it was ever taken.
CLAIMABLE = (
    DeliveryStatus.PENDING,
    DeliveryStatus.REFUSED,
    DeliveryStatus.FAILED,
    DeliveryStatus.SKIPPED,
    DeliveryStatus.CHECKED,
    DeliveryStatus.CANCELLED,
)
#: Where the mail may be on its way. A late worker may still say what became of a doubtful one.
UNDER_WAY = (DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN)


def claim(delivery: Delivery) -> bool:
    """Take a delivery from waiting to being sent; False when it is not waiting any more.

    Raises:
        IntegrityError: another delivery of the invoice is under way or accepted.
    """
    values = {
        "status": DeliveryStatus.SENDING.value,
        "recipient": delivery.recipient,
        "message_id": delivery.message_id,
        "claimed_at": timezone.now(),
        "not_before": None,
        "finished_at": None,
        "smtp_code": None,
        "smtp_text": "",
    }
    alias = router.db_for_write(Delivery)
    # A constraint that does not hold must not spoil a transaction around.
    around = connections[alias].in_atomic_block
    with transaction.atomic(using=alias) if around else nullcontext():
        return _update(delivery, values, CLAIMABLE, also="attempts = attempts + 1")


def finish(delivery: Delivery, status: DeliveryStatus, *, code: int = 0, text: str = "") -> bool:
    """Write the outcome of a delivery that was claimed; False when it is not under way any more."""
    values = {
        "status": status.value,
        "smtp_code": code or None,
        "smtp_text": text[:500],
        "finished_at": timezone.now(),
    }
    return _update(delivery, values, UNDER_WAY)


def _update(
    delivery: Delivery,
    values: Mapping[str, Any],
    only_from: tuple[DeliveryStatus, ...],
    *,
    also: str = "",
) -> bool:
    connection = connections[router.db_for_write(Delivery)]
    quote = connection.ops.quote_name
    assignments = [f"{quote(name)} = %s" for name in values] + ([also] if also else [])
    states = ", ".join(["%s"] * len(only_from))
    table = quote(Delivery._meta.db_table)
    # Only names of this module and the model are put into the statement.
    sql = f"UPDATE {table} SET {', '.join(assignments)} WHERE id = %s AND status IN ({states})"  # noqa: S608
    params = [_FIELDS[name].get_db_prep_save(value, connection) for name, value in values.items()]
    params += [delivery.pk, *(status.value for status in only_from)]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return bool(cursor.rowcount)


_FIELDS: dict[str, Any] = {field.name: field for field in Delivery._meta.concrete_fields}
