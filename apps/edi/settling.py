"""What an interchange and its file have come to, once its messages are settled."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Count, Max

from apps.edi.models import (
    EdiFile,
    FileStatus,
    Interchange,
    InterchangeStatus,
    MessageStatus,
)

#: Messages that have become what they can.
GOOD = frozenset({MessageStatus.IMPORTED, MessageStatus.UNSUPPORTED})
#: States from which an interchange is not settled again.
LEFT_ALONE = (
    InterchangeStatus.REJECTED,
    InterchangeStatus.QUARANTINED,
    InterchangeStatus.DISCARDED,
)


def settle_interchange(interchange: Interchange) -> None:
    """Give an accepted interchange the state that its messages have brought it to."""
    if interchange.status in LEFT_ALONE and not interchange.messages.exclude(taken_by="").exists():
        return
    counts = dict(interchange.messages.order_by().values_list("status").annotate(Count("pk")))
    good = sum(counts.get(status, 0) for status in GOOD)
    total = sum(counts.values())
    if good == total:
        interchange.status = InterchangeStatus.IMPORTED
    elif good or counts.get(MessageStatus.QUARANTINED):
        interchange.status = InterchangeStatus.PARTIAL
    elif counts.get(MessageStatus.PENDING):
        interchange.status = InterchangeStatus.ACCEPTED
    else:
        interchange.status = InterchangeStatus.REJECTED
    try:
        with transaction.atomic():
            interchange.save(update_fields=["status"])
    except IntegrityError:
        # It had been refused whole, its reference came again, and now a retry has brought it in.
        interchange.repetition = free_repetition(interchange)
        interchange.save(update_fields=["status", "repetition"])


def free_repetition(interchange: Interchange) -> int:
    """Count how often an interchange's reference has been taken."""
    same = Interchange.objects.filter(
        sender=interchange.sender,
        recipient=interchange.recipient,
        reference=interchange.reference,
        is_test=interchange.is_test,
    )
    last: int | None = same.aggregate(last=Max("repetition"))["last"]
    return (last or 0) + 1


def settle_file(file: EdiFile) -> None:
    """Give a file the state that its interchanges have brought it to."""
    if file.status == FileStatus.DUPLICATE:
        return
    found = set(file.interchanges.order_by().values_list("status", flat=True))
    taken = found & {InterchangeStatus.IMPORTED, InterchangeStatus.PARTIAL}
    if InterchangeStatus.ACCEPTED in found:
        status = FileStatus.SCANNED
    elif taken:
        whole = (
            found == {InterchangeStatus.IMPORTED}
            and not file.faults.filter(interchange=None).exists()
        )
        status = FileStatus.IMPORTED if whole else FileStatus.PARTIAL
    elif InterchangeStatus.QUARANTINED in found:
        status = FileStatus.QUARANTINED
    elif not found and file.standard in ("tradacoms", "unknown", "zip"):
        status = FileStatus.UNSUPPORTED
    else:
        status = FileStatus.REJECTED
    try:
        with transaction.atomic():
            EdiFile.objects.filter(pk=file.pk).update(status=status)
    except IntegrityError:
        # Another file of the same bytes has been imported since; this one stays as it was told.
        return
    file.status = status
