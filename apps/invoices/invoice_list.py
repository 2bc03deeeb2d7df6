"""The questions that the list of invoices asks: which ones, in which order, how many of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast

from django.db.models import Case, CharField, Count, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.invoices import outcomes
from apps.invoices.models import FAILED, Delivery, DeliveryStatus, Invoice, InvoiceStatus

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class State(TypedDict):
        """What `with_state` adds."""

        outcome: Any
        last_mailing: Any
        state: Any

    InvoiceWithState = WithAnnotations[Invoice, State]

#: Name of a tab → its label. Each but "all" is also a state an invoice can be in.
TABS: dict[str, Any] = {
    "unsent": pgettext_lazy("invoices", "To send"),
    "sending": pgettext_lazy("invoices", "Being sent"),
    "sent": pgettext_lazy("invoices", "Sent"),
    "failed": pgettext_lazy("invoices", "Failed"),
    "all": pgettext_lazy("invoices", "All"),
}

#: Name of an order → the fields; a minus in front of the name turns it round.
ORDERS: dict[str, tuple[str, ...]] = {
    "date": ("issue_date", "number"),
    "due": ("due_date", "number"),
    "number": ("number",),
    "customer": ("customer__name", "number"),
    "total": ("total_gross", "number"),
}
DEFAULT_ORDER = "-date"

#: The columns in the order of the page: the name of an order → its label.
COLUMNS: dict[str, Any] = {
    "number": _("Invoice"),
    "customer": _("Customer"),
    "date": pgettext_lazy("invoices", "Issued"),
    "due": pgettext_lazy("invoices", "Due"),
    "total": _("Total"),
}

#: Invoices a page; the first is the default.
PAGE_SIZES = (50, 100, 200)


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One filter of a list, with the number of rows it would show."""

    name: str
    label: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Column:
    """The head of a column that the list can be ordered by."""

    label: str
    #: What a click asks for.
    next: str
    #: "ascending", "descending", or empty when another column decides.
    direction: str
    is_amount: bool


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a reader asked the list for; anything unknown falls back to the default."""

    status: str = "unsent"
    search: str = ""
    order: str = DEFAULT_ORDER
    page_size: int = PAGE_SIZES[0]

    @classmethod
    def read(cls, fields: QueryDict) -> Filters:
        """Read the filters from a page's address or from the form sent from it."""
        status = fields.get("status", "")
        order = fields.get("sort", "")
        size = fields.get("per_page", "")
        return cls(
            status=status if status in TABS else "unsent",
            search=fields.get("q", "").strip(),
            order=order if order.removeprefix("-") in ORDERS else DEFAULT_ORDER,
            page_size=int(size) if size in map(str, PAGE_SIZES) else PAGE_SIZES[0],
        )


def invoices(filters: Filters) -> QuerySet[InvoiceWithState]:
    """Find the invoices that the filters ask for, in their order."""
    found = _searched(with_state(), filters.search)
    if filters.status != "all":
        found = found.filter(state=filters.status)
    return found.select_related("customer").order_by(*_fields(filters.order))


def sendable(filters: Filters) -> QuerySet[InvoiceWithState]:
    """Find those of the invoices that the filters ask for which a mailing can take."""
    can_be = Q(outcome__isnull=True) | Q(outcome__in=outcomes.SENDABLE)
    return invoices(filters).exclude(state="draft").filter(can_be)


def tabs(filters: Filters) -> list[Tab]:
    """List the tabs with their counts for the same search, in one query."""
    # Grouped: a count for each tab would find each invoice's state out as many times.
    found = _searched(with_state(), filters.search).order_by().values_list("state")
    counts = Counter(dict(found.annotate(Count("pk"))))
    counts["all"] = counts.total()
    return [Tab(name=name, label=str(label), count=counts[name]) for name, label in TABS.items()]


def columns(filters: Filters) -> list[Column]:
    """List the columns, with where a click on each leads."""
    return [
        Column(
            label=str(label),
            next=f"-{name}" if filters.order == name else name,
            direction={name: "ascending", f"-{name}": "descending"}.get(filters.order, ""),
            is_amount=name == "total",
        )
        for name, label in COLUMNS.items()
    ]


def with_state() -> QuerySet[InvoiceWithState]:
    """Give all invoices with `outcome`, that of the newest delivery, and the `state` it means."""
    sent = Delivery.objects.with_outcome().filter(invoice=OuterRef("pk"), live=True)
    newest = sent.order_by("-generation")
    state = Case(
        When(status=InvoiceStatus.DRAFT, then=Value("draft")),
        When(outcome=DeliveryStatus.ACCEPTED, then=Value("sent")),
        When(outcome__in=(DeliveryStatus.PENDING, DeliveryStatus.SENDING), then=Value("sending")),
        When(outcome__in=FAILED, then=Value("failed")),
        # Never sent, or nothing was begun: no address, cancelled.
        default=Value("unsent"),
        output_field=CharField(),
    )
    found = Invoice.objects.annotate(
        outcome=Subquery(newest.values("outcome")[:1]),
        last_mailing=Subquery(newest.values("mailing")[:1]),
        state=state,
    )
    return cast("QuerySet[InvoiceWithState]", found)


def _searched(found: QuerySet[InvoiceWithState], words: str) -> QuerySet[InvoiceWithState]:
    if not words:
        return found
    return found.filter(
        Q(number__icontains=words)
        | Q(order_ref__icontains=words)
        | Q(customer__code__icontains=words)
        | Q(customer__name__icontains=words)
        | Q(customer__email__icontains=words)
    )


def _fields(order: str) -> list[str]:
    sign = "-" if order.startswith("-") else ""
    # The key last, so that drafts, which have no number, keep their places from page to page.
    return [f"{sign}{field}" for field in (*ORDERS[order.removeprefix("-")], "pk")]
