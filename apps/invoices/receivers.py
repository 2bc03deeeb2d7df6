"""What a person decides about an e-mail in doubt, written into its delivery."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.models import Decision, SSEProgress
from apps.core.signals import item_decided
from apps.invoices.models import Delivery, DeliveryStatus


def on_decision(
    sender: object,
    *,
    job: SSEProgress,
    key: str,
    decision: Decision,
    user: AbstractBaseUser,
    **_kwargs: Any,
) -> None:
    """Let the delivery follow the decision, unless the mail server is known to have accepted it.

    "Again" makes it waiting: the job claims it like a first one, with the same Message-ID.
    """
    if not key.isdecimal():  # not a mailing's job: its items are deliveries
        return
    jobs = [each for each in (job.pk, job.parent_id) if each]
    found = Delivery.objects.filter(mailing__job__in=jobs, pk=key)
    delivery = found.exclude(status=DeliveryStatus.ACCEPTED)
    if decision == Decision.AGAIN:
        # A refused or failed one may be claimed as it is.
        doubtful = (DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN)
        delivery.filter(status__in=doubtful).update(
            status=DeliveryStatus.PENDING, not_before=None, finished_at=None
        )
        return
    done = decision == Decision.DONE
    words = _("Marked as sent by %(user)s.") if done else _("Skipped by %(user)s.")
    try:
        with transaction.atomic():
            delivery.update(
                status=DeliveryStatus.ACCEPTED if done else DeliveryStatus.SKIPPED,
                smtp_code=None,
                smtp_text=(words % {"user": user.get_username()})[:500],
                finished_at=timezone.now(),
            )
    except IntegrityError:
        # It had failed, and a later mailing has the invoice: that one counts.
        return


def connect() -> None:
    """Listen to decisions."""
    item_decided.connect(on_decision, dispatch_uid="invoices.decisions")
