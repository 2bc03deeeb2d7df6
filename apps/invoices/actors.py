"""The jobs of the invoices."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_noop, ngettext_lazy

from apps.core.actors import progress_actor
from apps.core.tracker import ProgressTracker
from apps.invoices import mailing as desk
from apps.invoices.gate import Gate
from apps.invoices.mailer import Mailer
from apps.invoices.models import Company, Delivery, DeliveryStatus, Mailing, MailingMode
from apps.invoices.sending import Sender

#: What the job says at the end, for one e-mail and for several.
SUMMARIES: dict[str, tuple[str, str]] = {
    MailingMode.LIVE: (
        gettext_noop("1 e-mail accepted by the mail server"),
        gettext_noop("%(done)s e-mails accepted by the mail server"),
    ),
    MailingMode.REDIRECT: (
        gettext_noop("1 e-mail accepted by the mail server, for %(address)s"),
        gettext_noop("%(done)s e-mails accepted by the mail server, all for %(address)s"),
    ),
    MailingMode.DRY_RUN: (
        gettext_noop("1 e-mail checked, not sent"),
        gettext_noop("%(done)s e-mails checked, none sent"),
    ),
}
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
        progress.result(_summary(mailing, above), links=links, address=mailing.redirect_to)
        shares = desk.shares(mailing, max(1, above // 2))
        progress.fan_out(send_share, [{"mailing_id": mailing_id, **share} for share in shares])
        return
    _send(progress, deliveries)
    done = deliveries.filter(status__in=(DeliveryStatus.ACCEPTED, DeliveryStatus.CHECKED)).count()
    summary = _summary(mailing, 1 if done == 1 else 2)
    progress.result(summary, links=links, done=done, address=mailing.redirect_to)


@progress_actor(task_type="email_sending", queue_name="mail", unit=("invoice", "invoices"))
def send_share(progress: ProgressTracker, mailing_id: int, first: int, last: int) -> None:
    """E-mail the invoices of a mailing's deliveries from `first` to `last`."""
    _send(progress, Delivery.objects.filter(mailing=mailing_id, pk__range=(first, last)))


def _send(progress: ProgressTracker, deliveries: QuerySet[Delivery]) -> None:
    desk.mark_interrupted(deliveries, progress.job_id)
    wanted = deliveries.select_related("mailing", "invoice__file", "invoice__corrects")
    wanted = wanted.select_related("invoice__customer")
    wanted = wanted.prefetch_related("invoice__lines").order_by("pk")
    with Mailer() as mailer:
        gate = Gate(mailer.account)
        sender = Sender(mailer, gate, Company.load(), progress.on_settle)
        for delivery in progress.track(wanted, key="pk"):
            letter = sender.write(delivery)
            if letter.message is not None and delivery.mailing.mode != MailingMode.DRY_RUN:
                gate.wait(progress)
            with progress.item(delivery, ref=str(delivery.invoice), irreversible=True):
                sender.send(delivery, letter)


def _summary(mailing: Mailing, count: int) -> str:
    return SUMMARIES[mailing.mode][count != 1]
