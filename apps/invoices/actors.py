"""The jobs of the invoices."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_noop, ngettext_lazy

from apps.core.actors import progress_actor
from apps.core.tracker import ProgressTracker
from apps.invoices import mailing as desk
from apps.invoices.mailer import Mailer
from apps.invoices.models import Delivery, DeliveryStatus, Mailing

ONE_ACCEPTED = gettext_noop("1 e-mail accepted by the mail server")
MANY_ACCEPTED = gettext_noop("%(done)s e-mails accepted by the mail server")
LINK = gettext_noop("See each e-mail")
#: The job's unit, marked for the translators; the job keeps the msgids.
UNIT = ngettext_lazy("invoice", "invoices")


@progress_actor(
    task_type="email_sending",
    queue_name="mail",
    title=gettext_noop("Sending invoices"),
    unit=("invoice", "invoices"),
)
def send_invoices(progress: ProgressTracker, mailing_id: int) -> None:
    """E-mail every invoice of a mailing that the mail server has not accepted yet.

    A big mailing is shared out, so that several workers send it at once.
    """
    mailing = Mailing.objects.get(pk=mailing_id)
    links = [{"label": LINK, "href": mailing.get_absolute_url()}]
    deliveries = mailing.deliveries.all()
    above = settings.HERON_FAN_OUT_ABOVE
    if not progress.resumed and deliveries.count() > above:
        progress.result(MANY_ACCEPTED, links=links)
        shares = desk.shares(mailing, max(1, above // 2))
        progress.fan_out(send_share, [{"mailing_id": mailing_id, **share} for share in shares])
        return
    _send(progress, deliveries)
    accepted = deliveries.filter(status=DeliveryStatus.ACCEPTED).count()
    progress.result(ONE_ACCEPTED if accepted == 1 else MANY_ACCEPTED, links=links, done=accepted)


@progress_actor(task_type="email_sending", queue_name="mail", unit=("invoice", "invoices"))
def send_share(progress: ProgressTracker, mailing_id: int, first: int, last: int) -> None:
    """E-mail the invoices of a mailing's deliveries from `first` to `last`."""
    _send(progress, Delivery.objects.filter(mailing=mailing_id, pk__range=(first, last)))


def _send(progress: ProgressTracker, deliveries: QuerySet[Delivery]) -> None:
    desk.mark_interrupted(deliveries)
    wanted = deliveries.select_related("mailing", "invoice__customer").prefetch_related(
        "invoice__lines"
    )
    with Mailer() as mailer:
        for delivery in progress.track(wanted.order_by("pk"), key="pk"):
            with progress.item(delivery, ref=str(delivery.invoice), irreversible=True):
                desk.send(delivery, mailer)
