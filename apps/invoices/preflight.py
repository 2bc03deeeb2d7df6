"""What would be sent, and what would not and why: told before anything is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.utils.translation import ngettext

from apps.invoices.models import ACTIVE, Delivery, DeliveryStatus, Invoice, InvoiceStatus

#: Which count an active delivery of an earlier mailing belongs to.
_KIND_OF = {
    DeliveryStatus.ACCEPTED.value: "already_sent",
    DeliveryStatus.UNKNOWN.value: "in_doubt",
    DeliveryStatus.PENDING.value: "under_way",
    DeliveryStatus.SENDING.value: "under_way",
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An invoice of a selection, with what decides whether it can be sent."""

    pk: int
    uuid: str
    recipient: str
    generation: int
    #: "to_send", "without_address", or why not.
    kind: str

    @property
    def goes_in(self) -> bool:
        """Whether it becomes an item of the job; without an address the job says it skipped it."""
        return self.kind in {"to_send", "without_address"}


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """How many invoices of a selection can be sent, and how many cannot for which reason."""

    to_send: int = 0
    without_address: int = 0
    already_sent: int = 0
    under_way: int = 0
    in_doubt: int = 0
    drafts: int = 0

    @property
    def left_out(self) -> int:
        """How many stay out of the mailing."""
        return self.already_sent + self.under_way + self.in_doubt + self.drafts

    def sentences(self) -> list[str]:
        """Tell what is left out and why, in the active language."""
        told = (
            (
                self.without_address,
                ngettext(
                    "%(n)s invoice has no e-mail address.",
                    "%(n)s invoices have no e-mail address.",
                    self.without_address,
                ),
            ),
            (
                self.already_sent,
                ngettext(
                    "%(n)s invoice has been accepted by the mail server already.",
                    "%(n)s invoices have been accepted by the mail server already.",
                    self.already_sent,
                ),
            ),
            (
                self.under_way,
                ngettext(
                    "%(n)s invoice is being sent already.",
                    "%(n)s invoices are being sent already.",
                    self.under_way,
                ),
            ),
            (
                self.in_doubt,
                ngettext(
                    "%(n)s invoice is in doubt: it may have been sent.",
                    "%(n)s invoices are in doubt: they may have been sent.",
                    self.in_doubt,
                ),
            ),
            (
                self.drafts,
                ngettext(
                    "%(n)s invoice is still a draft.",
                    "%(n)s invoices are still drafts.",
                    self.drafts,
                ),
            ),
        )
        return [text % {"n": count} for count, text in told if count]


def candidates(invoices: QuerySet[Invoice]) -> Iterator[Candidate]:
    """Look at each invoice of a selection, in the order of their keys.

    The order matters: two mailings that insert the same deliveries in the same order wait for each
    other instead of deadlocking.
    """
    active = Delivery.objects.filter(invoice=OuterRef("pk"), status__in=ACTIVE)
    rows = (
        Invoice.objects.filter(pk__in=invoices.order_by().values("pk"))
        .annotate(active=Subquery(active.values("status")[:1]), last=Max("deliveries__generation"))
        .order_by("pk")
        .values_list("pk", "uuid", "status", "customer__email", "active", "last")
    )
    for pk, uuid, status, email, delivery, last in rows:
        yield Candidate(
            pk=pk,
            uuid=str(uuid),
            recipient=email.strip(),
            generation=(last or 0) + 1,
            kind=_kind(status, delivery, email),
        )


def count(found: Iterable[Candidate], *, taken_meanwhile: int = 0) -> Preflight:
    """Add candidates up; `taken_meanwhile` were to be sent, but another mailing was faster."""
    counts = Counter(candidate.kind for candidate in found)
    counts["to_send"] = max(0, counts["to_send"] - taken_meanwhile)
    counts["under_way"] += taken_meanwhile
    return Preflight(**counts)


def _kind(status: str, delivery: str | None, email: str) -> str:
    if status != InvoiceStatus.VALIDATED:
        return "drafts"
    if delivery:
        return _KIND_OF[delivery]
    return "to_send" if email.strip() else "without_address"
