"""One mailing: its job's bar, and what became of each e-mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from apps.invoices import outcomes
from apps.invoices.invoice_list import Tab
from apps.invoices.mailer import Mailer
from apps.invoices.models import Delivery, MailAccount, Mailing, MailingMode

if TYPE_CHECKING:
    from apps.invoices.models.delivery import DeliveryWithOutcome

DELIVERIES_PER_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Row:
    """A delivery as a line of the table."""

    delivery: Delivery
    pill: outcomes.Pill
    reason: str


@login_required
@require_safe
def mailing(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a mailing to who started it and to staff; 404 for anybody else."""
    visible = Mailing.objects.visible_to(request.user).select_related("job", "created_by")
    found = get_object_or_404(visible, pk=pk)
    deliveries = found.deliveries.with_outcome()
    tabs = _tabs(found)
    tab = request.GET.get("outcome", "")
    tab = tab if tab in {each.name for each in tabs} else ""
    shown = deliveries.filter(outcome=tab) if tab else deliveries
    page = Paginator(
        shown.select_related("invoice__customer").order_by("pk"), DELIVERIES_PER_PAGE
    ).get_page(request.GET.get("page"))
    context = {
        "mailing": found,
        "tabs": tabs,
        "tab": tab,
        "page": page,
        "rows": [_row(delivery) for delivery in page],
        "shut": _shut(found),
    }
    return render(request, "invoices/mailing.html", context)


def _shut(mailing: Mailing) -> MailAccount | None:
    """Give the account while no mail can leave by it; one that nothing waits for is no news."""
    if mailing.job is None or mailing.job.is_terminal or mailing.mode == MailingMode.DRY_RUN:
        return None
    with Mailer() as mailer:
        account = MailAccount.objects.filter(name=mailer.account[:300])
    return account.filter(closed_until__gt=timezone.now()).first()


def _tabs(mailing: Mailing) -> list[Tab]:
    """List the outcomes there are, in the order of `outcomes.PILLS`."""
    counts = dict(
        mailing.deliveries.all()
        .with_outcome()
        .order_by()
        .values_list("outcome")
        .annotate(Count("pk"))
    )
    return [
        Tab(name="", label=pgettext("deliveries", "All"), count=sum(counts.values())),
        *(
            Tab(name=name, label=str(pill.label), count=counts[name])
            for name, pill in outcomes.PILLS.items()
            if name in counts
        ),
    ]


def _row(delivery: DeliveryWithOutcome) -> Row:
    return Row(
        delivery=delivery,
        pill=outcomes.PILLS[delivery.outcome],
        reason=outcomes.reason(delivery, delivery.outcome),
    )
