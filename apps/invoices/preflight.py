"""What would be sent, and what would not and why: told before anything is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast
from uuid import UUID

from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Trim
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.statuses import TERMINAL
from apps.invoices.models import (
    ACTIVE,
    Delivery,
    DeliveryStatus,
    EmailState,
    Invoice,
    InvoiceStatus,
)

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class Fate(TypedDict):
        """What `with_fate` adds."""

        fate: str
        to: str

    InvoiceWithFate = WithAnnotations[Invoice, Fate]

#: Kind of invoice → what its figure is called, in the order of the page. The first two go in.
LABELS: dict[str, Any] = {
    "to_send": _("to send"),
    "without_address": _("without an address"),
    "refused_before": _("to an address refused earlier"),
    "already_sent": _("sent already"),
    "under_way": _("being sent"),
    "in_doubt": _("in doubt"),
    "drafts": _("drafts"),
}

#: How each kind that is left out is told.
_SENTENCES: dict[str, Callable[[int], str]] = {
    "without_address": lambda n: ngettext(
        "%(n)s invoice has no e-mail address.", "%(n)s invoices have no e-mail address.", n
    ),
    "refused_before": lambda n: ngettext(
        "%(n)s invoice would go to an address that was refused earlier.",
        "%(n)s invoices would go to an address that was refused earlier.",
        n,
    ),
    "already_sent": lambda n: ngettext(
        "%(n)s invoice has been accepted by the mail server already.",
        "%(n)s invoices have been accepted by the mail server already.",
        n,
    ),
    "under_way": lambda n: ngettext(
        "%(n)s invoice is being sent already.", "%(n)s invoices are being sent already.", n
    ),
    "in_doubt": lambda n: ngettext(
        "%(n)s invoice is in doubt: it may have been sent.",
        "%(n)s invoices are in doubt: they may have been sent.",
        n,
    ),
    "drafts": lambda n: ngettext(
        "%(n)s invoice is still a draft.", "%(n)s invoices are still drafts.", n
    ),
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An invoice of a selection, with what decides whether it can be sent."""

    pk: int
    uuid: UUID
    recipient: str
    generation: int
    #: One of LABELS.
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
    refused_before: int = 0
    already_sent: int = 0
    under_way: int = 0
    in_doubt: int = 0
    drafts: int = 0

    @property
    def goes_in(self) -> int:
        """How many become items of the job."""
        return self.to_send + self.without_address

    @property
    def left_out(self) -> int:
        """How many stay out of the mailing."""
        return sum(self.counts().values()) - self.goes_in

    def counts(self) -> dict[str, int]:
        """Give the count of each kind."""
        return asdict(self)

    def sentences(self) -> list[str]:
        """Tell what is left out and why, in the active language."""
        counts = self.counts()
        return [
            tell(counts[kind]) % {"n": counts[kind]}
            for kind, tell in _SENTENCES.items()
            if counts[kind]
        ]


def with_fate(
    invoices: QuerySet[Invoice], *, even_refused: bool = False
) -> QuerySet[InvoiceWithFate]:
    """Say of each invoice of a selection what would become of it, and where it would go.

    Adds `fate`, one of LABELS, and `to`.
    """
    # One at the most: the database allows no second. Joined, and not a subquery that each of the
    # cases would repeat: writing that out took longer than answering it.
    holding = FilteredRelation(
        "deliveries", condition=Q(deliveries__live=True, deliveries__status__in=ACTIVE)
    )
    # What an ended job left waiting was never begun.
    abandoned = Q(
        holding__status=DeliveryStatus.PENDING, holding__mailing__job__status__in=TERMINAL
    )
    active = Case(When(abandoned, then=Value(None)), default=F("holding__status"))
    refused = Q(customer__email_state=EmailState.REFUSED)
    fate = Case(
        When(~Q(status=InvoiceStatus.VALIDATED), then=Value("drafts")),
        When(active=DeliveryStatus.ACCEPTED, then=Value("already_sent")),
        When(active=DeliveryStatus.UNKNOWN, then=Value("in_doubt")),
        When(active__isnull=False, then=Value("under_way")),
        When(to="", then=Value("without_address")),
        *([] if even_refused else [When(refused, then=Value("refused_before"))]),
        default=Value("to_send"),
        output_field=CharField(),
    )
    chosen = Invoice.objects.filter(pk__in=invoices.order_by().values("pk"))
    found = chosen.annotate(holding=holding).annotate(active=active, to=Trim("customer__email"))
    return cast("QuerySet[InvoiceWithFate]", found.annotate(fate=fate))


def look(invoices: QuerySet[Invoice], *, even_refused: bool = False) -> Preflight:
    """Count a selection by kind, and change nothing."""
    fates = with_fate(invoices, even_refused=even_refused).order_by().values_list("fate")
    return Preflight(**dict(fates.annotate(Count("pk"))))


def candidates(invoices: QuerySet[Invoice], *, even_refused: bool = False) -> Iterator[Candidate]:
    """Look at each invoice of a selection, in the order of their keys.

    The order matters: two mailings that insert the same deliveries in the same order wait for each
    other instead of deadlocking.
    """
    sent = Delivery.objects.filter(invoice=OuterRef("pk"), live=True)
    rows = (
        with_fate(invoices, even_refused=even_refused)
        .annotate(last=Subquery(sent.order_by("-generation").values("generation")[:1]))
        .order_by("pk")
        .values_list("pk", "uuid", "to", "last", "fate")
    )
    for pk, uuid, to, last, kind in rows:
        yield Candidate(pk=pk, uuid=uuid, recipient=to, generation=(last or 0) + 1, kind=kind)


def count(found: Iterable[Candidate], *, taken_meanwhile: int = 0) -> Preflight:
    """Add candidates up; `taken_meanwhile` were to go in, but another mailing was faster."""
    counts = Counter(candidate.kind for candidate in found)
    counts["under_way"] += taken_meanwhile
    for kind in ("to_send", "without_address"):
        taken = min(counts[kind], taken_meanwhile)
        counts[kind] -= taken
        taken_meanwhile -= taken
    return Preflight(**counts)
