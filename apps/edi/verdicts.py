"""Decide about an interchange once it is read: take it, refuse it, or leave it to a person."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apps.edi import policy
from apps.edi.models import Interchange, InterchangeStatus, MessageStatus, Partner, Reason
from apps.edi.models.interchange import TAKEN
from apps.edi.reader import Interchange as Envelope
from apps.edi.recording import kept


def partner_of(envelope: Envelope) -> Partner | None:
    """Find who sent an interchange, by address and qualifier."""
    return Partner.objects.filter(
        edi_id=kept(envelope.sender, 35), qualifier=kept(envelope.sender_qualifier, 4)
    ).first()


def decide(row: Interchange, *, refused: bool, job_id: str) -> None:
    """Accept an interchange, refuse it, or leave it to a person."""
    partner = row.partner
    if not row.sender or (refused and partner is not None):
        row.status, row.reason = InterchangeStatus.REJECTED, Reason.FAULTS
    elif partner is None:
        row.status, row.reason = InterchangeStatus.QUARANTINED, Reason.UNKNOWN_PARTNER
    elif not partner.is_active:
        row.status, row.reason = InterchangeStatus.QUARANTINED, Reason.INACTIVE_PARTNER
    elif (known := conflicting(row)) is not None:
        _leave_to_a_person(row, known)
    else:
        row.status, row.reason = InterchangeStatus.ACCEPTED, Reason.NONE
    try:
        with transaction.atomic():
            _write_decision(row, job_id)
    except IntegrityError:
        # Another file with the same reference came first by a hair.
        _leave_to_a_person(row, conflicting(row))
        with transaction.atomic():
            _write_decision(row, job_id)


def reconsider(row: Interchange, job_id: str) -> bool:
    """Take an interchange after all whose partner has become tolerant since it was refused."""
    partner = row.partner
    if row.status != InterchangeStatus.REJECTED or row.reason != Reason.FAULTS or partner is None:
        return False
    faults = row.faults.filter(message=None)
    if policy.refusals((fault.as_read() for fault in faults), tolerant=partner.is_tolerant):
        return False
    decide(row, refused=False, job_id=job_id)
    return row.status == InterchangeStatus.ACCEPTED


def conflicting(row: Interchange) -> Interchange | None:
    """Find the interchange that has a reference already."""
    return (
        Interchange.objects.filter(
            sender=row.sender,
            recipient=row.recipient,
            reference=row.reference,
            is_test=row.is_test,
            status__in=TAKEN,
        )
        .exclude(pk=row.pk)
        .order_by("-repetition")
        .first()
    )


def _leave_to_a_person(row: Interchange, known: Interchange | None) -> None:
    row.status, row.reason = InterchangeStatus.QUARANTINED, Reason.DUPLICATE
    row.conflicts_with = known


def _write_decision(row: Interchange, job_id: str) -> None:
    """Write a decision down; what was refused once stays an item of its own."""
    row.was_refused = row.was_refused or row.status != InterchangeStatus.ACCEPTED
    row.save()
    match row.status:
        case InterchangeStatus.ACCEPTED:
            row.messages.update(taken_by=job_id, status=MessageStatus.PENDING)
        case InterchangeStatus.REJECTED:
            row.messages.update(taken_by="", status=MessageStatus.REJECTED)
        case _:
            row.messages.update(taken_by="")
