"""The jobs of the invoices."""

from __future__ import annotations

from django.utils.translation import gettext_noop, ngettext_lazy

from apps.core.actors import progress_actor
from apps.core.tracker import ProgressTracker
from apps.invoices import mailing as desk
from apps.invoices.mailer import Mailer
from apps.invoices.models import DeliveryStatus, Mailing

ONE_ACCEPTED = gettext_noop("1 e-mail accepted by the mail server")
MANY_ACCEPTED = gettext_noop("%(done)s e-mails accepted by the mail server")
#: The job's unit, marked for the translators; the job keeps the msgids.
UNIT = ngettext_lazy("invoice", "invoices")


@progress_actor(
    task_type="email_sending",
    queue_name="mail",
    title=gettext_noop("Sending invoices"),
    unit=("invoice", "invoices"),
)
def send_invoices(progress: ProgressTracker, mailing_id: int) -> None:
    """E-mail every invoice of a mailing that the mail server has not accepted yet."""
    mailing = Mailing.objects.get(pk=mailing_id)
    desk.mark_interrupted(mailing)
    deliveries = mailing.deliveries.select_related("mailing", "invoice__customer").prefetch_related(
        "invoice__lines"
    )
    with Mailer() as mailer:
        for delivery in progress.track(deliveries.order_by("pk"), key="pk"):
            with progress.item(delivery, ref=str(delivery.invoice), irreversible=True):
                desk.send(delivery, mailer)
    accepted = mailing.deliveries.filter(status=DeliveryStatus.ACCEPTED).count()
    progress.result(
        ONE_ACCEPTED if accepted == 1 else MANY_ACCEPTED,
        links=[{"label": gettext_noop("See each e-mail"), "href": mailing.get_absolute_url()}],
        done=accepted,
    )
