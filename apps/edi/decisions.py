"""What a person decides about what is in quarantine: discard it, or import it with a reason."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from apps.core.models import SSEProgress
from apps.core.texts import storable
from apps.edi import policy
from apps.edi.acknowledgements import acknowledge
from apps.edi.errors import NotDecidableError
from apps.edi.models import (
    EdiFile,
    EdiMessage,
    Interchange,
    InterchangeStatus,
    MessageStatus,
    Partner,
    Reason,
)
from apps.edi.settling import free_repetition, settle_file, settle_interchange


def discard(interchange: Interchange, user: AbstractBaseUser, reason: str = "") -> None:
    """Take an interchange out of quarantine without importing it.

    Raises:
        NotDecidableError: it is not in quarantine.
    """
    with transaction.atomic():
        decided = _decide(interchange, InterchangeStatus.DISCARDED, user, reason)
        decided.messages.filter(status=MessageStatus.PENDING).update(status=MessageStatus.DISCARDED)
        acknowledge(decided)
        settle_file(decided.file)


def release(interchange: Interchange, user: AbstractBaseUser, reason: str) -> SSEProgress | None:
    """Import an interchange all the same; None when its envelope is refused after all.

    Raises:
        NotDecidableError: it is not in quarantine, or nobody knows yet whose it is.
    """
    from apps.edi.actors import import_released

    with transaction.atomic():
        partner = interchange.partner
        if partner is None or not partner.is_active:
            raise NotDecidableError(str(interchange))
        faults = [row.as_read() for row in interchange.faults.filter(message=None)]
        if policy.refusals(faults, tolerant=partner.is_tolerant):
            decided = _decide(interchange, InterchangeStatus.REJECTED, user, reason)
            decided.reason = Reason.FAULTS
            decided.save(update_fields=["reason"])
            decided.messages.update(status=MessageStatus.REJECTED)
            acknowledge(decided)
            settle_file(decided.file)
            return None
        repetition = free_repetition(interchange) if interchange.reason == Reason.DUPLICATE else 0
        decided = _decide(
            interchange, InterchangeStatus.ACCEPTED, user, reason, repetition=repetition
        )
        job = import_released.start_for(user, interchange_id=decided.pk)
        decided.messages.update(taken_by=job.job_id)
        settle_file(decided.file)
        _show(job, decided.file_id)
    return job


def adopt(interchange: Interchange, name: str, user: AbstractBaseUser) -> SSEProgress | None:
    """Make a partner of an unknown sender, and import this interchange of theirs.

    Raises:
        NotDecidableError: the interchange does not wait for a partner.
    """
    if interchange.reason != Reason.UNKNOWN_PARTNER or not interchange.sender:
        raise NotDecidableError(str(interchange))
    with transaction.atomic():
        partner, _made = Partner.objects.get_or_create(
            edi_id=interchange.sender[:35],
            qualifier=interchange.sender_qualifier[:4],
            defaults={"name": name[:200] or interchange.sender[:200]},
        )
        interchange.partner = partner
        interchange.save(update_fields=["partner"])
        return release(interchange, user, "")


def decide_message(
    message: EdiMessage, user: AbstractBaseUser, *, take: bool
) -> SSEProgress | None:
    """Discard a message whose document is known already, or import it in its place.

    Raises:
        NotDecidableError: it is not in quarantine.
    """
    from apps.edi.actors import import_released

    with transaction.atomic():
        target = MessageStatus.PENDING if take else MessageStatus.DISCARDED
        moved = EdiMessage.objects.filter(pk=message.pk, status=MessageStatus.QUARANTINED).update(
            status=target, forced=take
        )
        if not moved:
            raise NotDecidableError(str(message))
        if not take:
            settle_interchange(message.interchange)
            settle_file(message.interchange.file)
            return None
        job = import_released.start_for(user, interchange_id=message.interchange_id)
        EdiMessage.objects.filter(pk=message.pk).update(taken_by=job.job_id)
        _show(job, message.interchange.file_id)
    return job


def _show(job: SSEProgress, file_id: int) -> None:
    """Let the file's page show the job that works on it now."""
    EdiFile.objects.filter(pk=file_id).update(job=job)


def _decide(
    interchange: Interchange,
    target: InterchangeStatus,
    user: AbstractBaseUser,
    reason: str,
    **facts: object,
) -> Interchange:
    """Move it out of quarantine once, whoever else decides at the same moment."""
    moved = Interchange.objects.filter(
        pk=interchange.pk, status=InterchangeStatus.QUARANTINED
    ).update(
        status=target,
        decided_by=user,
        decided_at=timezone.now(),
        decision=storable(reason)[:500],
        **facts,
    )
    if not moved:
        raise NotDecidableError(str(interchange))
    return Interchange.objects.select_related("file", "partner").get(pk=interchange.pk)
