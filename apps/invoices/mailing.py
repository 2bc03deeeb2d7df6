"""Sending invoices: freeze a selection, then send one delivery at a time.

Knows nothing of jobs but the words for an item's outcome. The order in `send` is what keeps a mail
from leaving twice: the claim is committed before the mail is handed over, and the outcome written
after; whatever dies in between leaves a delivery that says "in doubt", and nobody repeats it.
"""

from __future__ import annotations

from itertools import pairwise

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.core.errors import ItemFailed, ItemInDoubt, ItemSkipped
from apps.invoices import letters, preflight
from apps.invoices.errors import (
    Deferred,
    InDoubt,
    MailerError,
    NothingToSendError,
    Refused,
    Unreachable,
)
from apps.invoices.mailer import Mailer
from apps.invoices.models import (
    Company,
    Customer,
    Delivery,
    DeliveryStatus,
    EmailState,
    Invoice,
    Mailing,
)
from apps.invoices.preflight import Candidate, Preflight

#: From where a worker may claim a delivery: no mail of it was ever taken.
CLAIMABLE = (
    DeliveryStatus.PENDING,
    DeliveryStatus.REFUSED,
    DeliveryStatus.FAILED,
    DeliveryStatus.SKIPPED,
    DeliveryStatus.CANCELLED,
)

MAYBE_SENT = gettext_noop(
    "The connection broke after the e-mail was handed over: it may have been sent."
)

#: How each error before the hand-over is told.
_FAILURES: dict[type[MailerError], tuple[str, str]] = {
    Refused: ("refused", gettext_noop("Refused by the mail server: %(answer)s")),
    Deferred: ("deferred", gettext_noop("Put off by the mail server: %(answer)s")),
    Unreachable: ("unreachable", gettext_noop("The mail server can't be reached: %(answer)s")),
}


def prepare(
    user: AbstractBaseUser, invoices: QuerySet[Invoice], *, subject: str = "", body: str = ""
) -> tuple[Mailing, Preflight]:
    """Freeze who gets which invoice, and tell what was left out.

    Safe against a simultaneous prepare of the same invoices: the database refuses the second
    delivery of each, which then counts as being sent already.

    Raises:
        NothingToSendError: no invoice can be sent; nothing is kept.
        UnknownPlaceholderError: the letter mentions something unknown.
    """
    letters.check(subject)
    letters.check(body)
    company = Company.load()
    with transaction.atomic():
        # What an ended job left waiting was never begun: free it, or it would block its invoice.
        abandoned = Delivery.objects.abandoned().filter(invoice__in=invoices.order_by())
        abandoned.update(status=DeliveryStatus.CANCELLED, finished_at=timezone.now())
        found = list(preflight.candidates(invoices))
        mailing = Mailing.objects.create(subject=subject, body=body, created_by_id=user.pk)
        wanted = [_frozen(mailing, each, company) for each in found if each.goes_in]
        Delivery.objects.bulk_create(wanted, ignore_conflicts=True)
        taken = len(wanted) - mailing.deliveries.count()
        counts = preflight.count(found, taken_meanwhile=taken)
        if counts.to_send <= 0:
            raise NothingToSendError(counts)
    return mailing, counts


def mark_interrupted(deliveries: QuerySet[Delivery]) -> None:
    """Put in doubt what an earlier attempt at the job was sending when it died."""
    deliveries.filter(status=DeliveryStatus.SENDING).update(
        status=DeliveryStatus.UNKNOWN, finished_at=timezone.now()
    )


def shares(mailing: Mailing, size: int) -> list[dict[str, int]]:
    """Divide a mailing into equal shares of at most `size` deliveries that follow each other."""
    keys = list(mailing.deliveries.order_by("pk").values_list("pk", flat=True))
    count = -(-len(keys) // size)
    bounds = [number * len(keys) // count for number in range(count + 1)]
    return [
        {"first": keys[start], "last": keys[end - 1], "total": end - start}
        for start, end in pairwise(bounds)
    ]


def send(delivery: Delivery, mailer: Mailer) -> None:
    """Send one delivery, unless the mail server has accepted it before.

    Raises:
        ItemSkipped: there is no address, or another mailing has the invoice.
        ItemFailed: refused, put off, or no server; with the server's words.
        ItemInDoubt: nobody can tell whether the mail was taken.
    """
    if not _claim(delivery):
        return
    message = _compose(delivery)
    try:
        words = mailer.send(message)
    except MailerError as error:
        _give_up(delivery, error)
    except Exception:
        # Nobody foresaw it, so nobody knows on which side of the effect it happened.
        _finish(delivery, DeliveryStatus.UNKNOWN)
        raise
    try:
        _finish(delivery, DeliveryStatus.ACCEPTED, code=250, text=words)
        Customer.objects.filter(
            pk=delivery.invoice.customer_id, email_state=EmailState.REFUSED
        ).update(email_state=EmailState.OK, email_state_reason="")
    except DatabaseError as error:
        raise ItemInDoubt(
            gettext_noop("The e-mail was accepted, but that could not be written down."),
            code="not_written",
        ) from error


def _frozen(mailing: Mailing, candidate: Candidate, company: Company) -> Delivery:
    domain = company.from_email.rpartition("@")[2]
    return Delivery(
        mailing=mailing,
        invoice_id=candidate.pk,
        recipient=candidate.recipient,
        generation=candidate.generation,
        message_id=f"<inv-{candidate.uuid}.{candidate.generation}@{domain}>",
    )


def _claim(delivery: Delivery) -> bool:
    """Take a delivery from waiting to being sent, in one guarded update; False: sent already."""
    if delivery.attempts:
        # A second try goes to the address as it is now: it may have been corrected.
        delivery.recipient = delivery.invoice.customer.email.strip()
    try:
        with transaction.atomic():
            claimed = Delivery.objects.filter(pk=delivery.pk, status__in=CLAIMABLE).update(
                status=DeliveryStatus.SENDING,
                recipient=delivery.recipient,
                attempts=F("attempts") + 1,
                claimed_at=timezone.now(),
                finished_at=None,
                smtp_code=None,
                smtp_text="",
            )
    except IntegrityError as error:
        raise ItemSkipped(
            gettext_noop("Another mailing is sending this invoice."), code="under_way"
        ) from error
    if claimed:
        return True
    if Delivery.objects.get(pk=delivery.pk).status == DeliveryStatus.ACCEPTED:
        return False
    _finish(delivery, DeliveryStatus.UNKNOWN)
    raise ItemInDoubt(MAYBE_SENT, code="in_doubt")


def _compose(delivery: Delivery) -> EmailMessage:
    """Check the address and write the mail; whatever goes wrong here, nothing has left yet."""
    if not delivery.recipient:
        _finish(delivery, DeliveryStatus.SKIPPED)
        raise ItemSkipped(gettext_noop("The customer has no e-mail address."), code="no_address")
    try:
        validate_email(delivery.recipient)
    except ValidationError as error:
        _finish(delivery, DeliveryStatus.REFUSED)
        raise ItemFailed(
            gettext_noop("%(address)s is not an e-mail address."),
            code="bad_address",
            params={"address": delivery.recipient},
        ) from error
    try:
        return letters.compose(delivery, Company.load())
    except Exception as error:
        _finish(delivery, DeliveryStatus.FAILED, text=str(error))
        raise ItemFailed(
            gettext_noop("The e-mail could not be written: %(error)s"),
            code="not_written",
            params={"error": str(error)},
        ) from error


def _give_up(delivery: Delivery, error: MailerError) -> None:
    """Write down why a mail was not accepted, and tell it as an item's outcome."""
    answer = {"answer": str(error)}
    if isinstance(error, InDoubt):
        _finish(delivery, DeliveryStatus.UNKNOWN, code=error.code, text=error.text)
        raise ItemInDoubt(MAYBE_SENT, code="no_answer", params=answer) from error
    status = DeliveryStatus.REFUSED if isinstance(error, Refused) else DeliveryStatus.FAILED
    _finish(delivery, status, code=error.code, text=error.text)
    if isinstance(error, Refused) and error.command == "RCPT":
        Customer.objects.filter(pk=delivery.invoice.customer_id).update(
            email_state=EmailState.REFUSED, email_state_reason=str(error)[:300]
        )
    failure, msgid = _FAILURES[type(error)]
    raise ItemFailed(msgid, code=failure, params=answer) from error


def _finish(delivery: Delivery, status: DeliveryStatus, *, code: int = 0, text: str = "") -> None:
    """Write an outcome; a late worker may still say what really became of a doubtful mail."""
    Delivery.objects.filter(
        pk=delivery.pk, status__in=(DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN)
    ).update(
        status=status, smtp_code=code or None, smtp_text=text[:500], finished_at=timezone.now()
    )
