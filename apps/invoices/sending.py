"""Sending one delivery: write the letter, claim the delivery, hand the mail over, note the outcome.

The order is what keeps a mail from leaving twice: the claim is committed before the mail is handed
over, and the outcome after, together with the job's books; whatever dies in between leaves both in
doubt, and nobody repeats it. The letter is written before, because that takes longest: a worker
that dies over it leaves nothing in doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.core.errors import ItemFailed, ItemInDoubt, ItemOutcomeError, ItemPutOff, ItemSkipped
from apps.core.outages import is_outage
from apps.invoices import claims, letters, message_ids
from apps.invoices.errors import Deferred, InDoubt, MailerError, Refused, Unreachable, Unwritable
from apps.invoices.gate import Gate
from apps.invoices.mailer import Mailer
from apps.invoices.models import (
    Company,
    Customer,
    Delivery,
    DeliveryStatus,
    EmailState,
    MailingMode,
)
from apps.invoices.models.delivery import DeliveryQuerySet

MAYBE_SENT = gettext_noop(
    "The connection broke after the e-mail was handed over: it may have been sent."
)
PUT_OFF = gettext_noop("Put off by the mail server: %(answer)s")
REFUSED = gettext_noop("Refused by the mail server: %(answer)s")
NOT_WRITTEN = gettext_noop("The e-mail could not be written: %(error)s")
NOT_YET = gettext_noop("It is not yet time to try again.")


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A delivery's mail; or why there is none, and what the delivery becomes by it."""

    message: EmailMessage | None = None
    outcome: ItemOutcomeError | None = None
    status: DeliveryStatus = DeliveryStatus.FAILED


class Sender:
    """Sends the deliveries of one attempt, one at a time.

    `on_settle` has outcomes written together with the job's books.
    """

    def __init__(
        self,
        mailer: Mailer,
        gate: Gate,
        company: Company,
        on_settle: Callable[[Callable[[], object]], object],
    ) -> None:
        self._mailer = mailer
        self._gate = gate
        self._company = company
        self._on_settle = on_settle

    def write(self, delivery: Delivery) -> Letter:
        """Write the mail of a delivery. Nothing of it has left, whatever goes wrong here."""
        if delivery.not_before is not None and delivery.not_before > timezone.now():
            wait = (delivery.not_before - timezone.now()).total_seconds()
            return Letter(outcome=ItemPutOff(NOT_YET, after_seconds=wait))
        if delivery.attempts:
            # A second try goes to the address as it is now: it may have been corrected.
            message_ids.readdress(delivery, delivery.invoice.customer.email.strip())
        if not delivery.recipient:
            text = gettext_noop("The customer has no e-mail address.")
            outcome = ItemSkipped(text, code="no_address")
            return Letter(outcome=outcome, status=DeliveryStatus.SKIPPED)
        try:
            validate_email(delivery.recipient)
            return Letter(message=letters.compose(delivery, self._company))
        except ValidationError:
            return Letter(
                outcome=ItemFailed(
                    gettext_noop("%(address)s is not an e-mail address."),
                    code="bad_address",
                    params={"address": delivery.recipient},
                ),
                status=DeliveryStatus.REFUSED,
            )
        except Exception as error:  # (one invoice must not end the others)
            if is_outage(error):
                # Nothing is wrong with this one; the job goes on with it later.
                raise
            return Letter(
                outcome=ItemFailed(NOT_WRITTEN, code="not_written", params={"error": str(error)})
            )

    def send(self, delivery: Delivery, letter: Letter) -> None:
        """Send one delivery, unless the mail server has accepted it before.

        Raises:
            ItemSkipped: there is no address, or another mailing has the invoice.
            ItemFailed: refused, or put off too often; with the server's words.
            ItemPutOff: put off by the server, or not yet due.
            ItemInDoubt: nobody can tell whether the mail was taken.
            JobPutOff: the server takes no mail at all just now; this one is as it was.
        """
        if isinstance(letter.outcome, ItemPutOff):
            raise letter.outcome
        if not self._claim(delivery):
            return
        if letter.outcome is not None:
            text = str(letter.outcome.params.get("error", ""))
            self._finish(delivery, letter.status, text=text)
            raise letter.outcome
        if delivery.mailing.mode == MailingMode.DRY_RUN:
            self._finish(delivery, DeliveryStatus.CHECKED)
            return
        if letter.message is not None:
            self._hand_over(delivery, letter.message)

    def _hand_over(self, delivery: Delivery, message: EmailMessage) -> None:
        try:
            words = self._mailer.send(message)
        except Unreachable as error:
            _put_back(delivery)
            self._gate.shut(error)
            raise self._gate.put_off() from error
        except Deferred as error:
            self._on_settle(partial(self._gate.deferred, error))
            raise self._deferred(delivery, error) from error
        except Unwritable as error:
            self._finish(delivery, DeliveryStatus.FAILED, text=error.text)
            params = {"error": error.text}
            raise ItemFailed(NOT_WRITTEN, code="not_written", params=params) from error
        except MailerError as error:
            self._on_settle(self._gate.answered)
            raise self._failed(delivery, error) from error
        except Exception:
            # Nobody foresaw it, so nobody knows on which side of the effect it happened.
            self._finish(delivery, DeliveryStatus.UNKNOWN)
            raise
        self._finish(delivery, DeliveryStatus.ACCEPTED, code=250, text=words)
        self._on_settle(partial(_restore_address, delivery))
        self._on_settle(self._gate.answered)

    def _claim(self, delivery: Delivery) -> bool:
        """Take a delivery from waiting to being sent, in a guarded update; False: sent already."""
        try:
            claimed = claims.claim(delivery)
        except IntegrityError as error:
            raise ItemSkipped(
                gettext_noop("Another mailing is sending this invoice."), code="under_way"
            ) from error
        if claimed:
            return True
        if Delivery.objects.get(pk=delivery.pk).status == DeliveryStatus.ACCEPTED:
            return False
        self._finish(delivery, DeliveryStatus.UNKNOWN)
        raise ItemInDoubt(MAYBE_SENT, code="in_doubt")

    def _deferred(self, delivery: Delivery, error: Deferred) -> ItemOutcomeError:
        """Let a mail that was put off wait, longer each time, until its tries are spent."""
        answer = {"answer": str(error)}
        waits = settings.HERON_MAIL_RETRY_SECONDS
        if delivery.deferrals >= len(waits):
            self._finish(delivery, DeliveryStatus.FAILED, code=error.code, text=error.text)
            self._on_settle(partial(_row(delivery).update, deferrals=0))
            return ItemFailed(PUT_OFF, code="deferred", params=answer)
        wait = waits[delivery.deferrals]
        self._on_settle(
            partial(
                _being_sent(delivery).update,
                status=DeliveryStatus.PENDING,
                deferrals=F("deferrals") + 1,
                not_before=timezone.now() + timedelta(seconds=wait),
                smtp_code=error.code or None,
                smtp_text=error.text[:500],
            )
        )
        return ItemPutOff(PUT_OFF, after_seconds=wait, code="deferred", params=answer)

    def _failed(self, delivery: Delivery, error: MailerError) -> ItemOutcomeError:
        """Have written down why a mail was not accepted, and tell it as an item's outcome."""
        answer = {"answer": str(error)}
        if isinstance(error, InDoubt):
            self._finish(delivery, DeliveryStatus.UNKNOWN, code=error.code, text=error.text)
            return ItemInDoubt(MAYBE_SENT, code="no_answer", params=answer)
        self._finish(delivery, DeliveryStatus.REFUSED, code=error.code, text=error.text)
        if isinstance(error, Refused) and error.command == "RCPT" and delivery.live:
            self._on_settle(partial(_refuse_address, delivery, str(error)))
        return ItemFailed(REFUSED, code="refused", params=answer)

    def _finish(self, delivery: Delivery, status: DeliveryStatus, **words: Any) -> None:
        self._on_settle(partial(claims.finish, delivery, status, **words))


def _put_back(delivery: Delivery) -> None:
    """Undo a claim: nothing was handed over, and it was no try."""
    _being_sent(delivery).update(
        status=DeliveryStatus.PENDING, attempts=F("attempts") - 1, claimed_at=None
    )


def _refuse_address(delivery: Delivery, reason: str) -> None:
    """Remember that a mail server refuses the customer's address for good."""
    Customer.objects.filter(pk=delivery.invoice.customer_id).update(
        email_state=EmailState.REFUSED, email_state_reason=reason[:300]
    )


def _restore_address(delivery: Delivery) -> None:
    """Forget that the customer's address was once refused: it works."""
    customer = delivery.invoice.customer
    if delivery.live and customer.email_state == EmailState.REFUSED:
        Customer.objects.filter(pk=customer.pk).update(
            email_state=EmailState.OK, email_state_reason=""
        )


def _being_sent(delivery: Delivery) -> DeliveryQuerySet:
    return _row(delivery).filter(status__in=claims.UNDER_WAY)


def _row(delivery: Delivery) -> DeliveryQuerySet:
    return Delivery.objects.filter(pk=delivery.pk)
