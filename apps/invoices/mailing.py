"""Preparing a mailing: who gets which invoice is frozen, before any e-mail leaves."""

from __future__ import annotations

from itertools import pairwise

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.core.models import JobItem, Outcome
from apps.invoices import letters, message_ids, preflight
from apps.invoices.errors import NoOwnAddressError, NothingToSendError
from apps.invoices.models import (
    Company,
    Delivery,
    DeliveryStatus,
    Invoice,
    Mailing,
    MailingMode,
)
from apps.invoices.preflight import Candidate, Preflight


def prepare(
    user: AbstractBaseUser,
    invoices: QuerySet[Invoice],
    *,
    mode: str = MailingMode.LIVE,
    subject: str = "",
    body: str = "",
    even_refused: bool = False,
) -> tuple[Mailing, Preflight]:
    """Freeze who gets which invoice, and tell what was left out.

    Safe against a simultaneous prepare of the same invoices: the database refuses the second
    delivery of each, which then counts as being sent already. A rehearsal (`mode` is not live) is
    about the same invoices as in earnest, and takes none of them from anybody. `even_refused`
    tries addresses again that a mail server has refused for good.

    Raises:
        NothingToSendError: no invoice can be sent; nothing is kept.
        NoOwnAddressError: all was to go to the user, who has no address.
        UnknownPlaceholderError: the letter mentions something unknown.
    """
    letters.check(subject)
    letters.check(body)
    redirect_to = _own_address(user) if mode == MailingMode.REDIRECT else ""
    company = Company.load()
    with transaction.atomic():
        found = list(preflight.candidates(invoices, even_refused=even_refused))
        mailing = Mailing.objects.create(
            subject=subject, body=body, mode=mode, redirect_to=redirect_to, created_by_id=user.pk
        )
        wanted = [_frozen(mailing, each, company) for each in found if each.goes_in]
        taken = len(wanted) - _insert(mailing, wanted)
        if taken and _free(invoices):
            taken = len(wanted) - _insert(mailing, wanted)
        counts = preflight.count(found, taken_meanwhile=taken)
        if counts.to_send <= 0:
            raise NothingToSendError(counts)
    return mailing, counts


def _insert(mailing: Mailing, wanted: list[Delivery]) -> int:
    """Write the deliveries that no other mailing has; return how many this one has then."""
    Delivery.objects.bulk_create(wanted, ignore_conflicts=True)
    return mailing.deliveries.count()


def _free(invoices: QuerySet[Invoice]) -> int:
    """Let go of what an ended job left waiting, and never began: it still holds its invoices."""
    abandoned = Delivery.objects.abandoned().filter(invoice__in=invoices.order_by())
    return abandoned.update(status=DeliveryStatus.CANCELLED, finished_at=timezone.now())


def mark_interrupted(deliveries: QuerySet[Delivery], job_id: str) -> None:
    """Put in doubt what an earlier attempt at the job had under way when it died.

    Also what it had only reserved: the job's books call it in doubt, and the deliveries follow.
    """
    doubtful = JobItem.objects.filter(job_id=job_id, outcome=Outcome.IN_DOUBT)
    keys = [int(key) for key in doubtful.values_list("key", flat=True) if key.isdecimal()]
    values = {"status": DeliveryStatus.UNKNOWN, "finished_at": timezone.now()}
    deliveries.filter(status=DeliveryStatus.SENDING).update(**values)
    deliveries.filter(status=DeliveryStatus.PENDING, pk__in=keys).update(**values)


def _own_address(user: AbstractBaseUser) -> str:
    address = str(getattr(user, "email", "")).strip()
    if not address:
        raise NoOwnAddressError(user.get_username())
    return address


def shares(mailing: Mailing, size: int) -> list[dict[str, int]]:
    """Divide a mailing into equal shares of at most `size` deliveries that follow each other."""
    keys = list(mailing.deliveries.order_by("pk").values_list("pk", flat=True))
    count = -(-len(keys) // size)
    bounds = [number * len(keys) // count for number in range(count + 1)]
    return [
        {"first": keys[start], "last": keys[end - 1], "total": end - start}
        for start, end in pairwise(bounds)
    ]


def _frozen(mailing: Mailing, candidate: Candidate, company: Company) -> Delivery:
    domain = company.mail_domain
    live = mailing.mode == MailingMode.LIVE
    generation = candidate.generation if live else 0
    return Delivery(
        mailing=mailing,
        invoice_id=candidate.pk,
        recipient=candidate.recipient,
        live=live,
        generation=generation,
        message_id=message_ids.message_id(candidate.uuid, candidate.recipient, generation, domain)
        if live
        else message_ids.rehearsal_id(candidate.uuid, candidate.recipient, mailing.pk, domain),
    )
