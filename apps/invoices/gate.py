"""When mails may leave: as fast as the account's provider allows, and not while it is shut to us.

A login that is refused, or a server that is away, is nothing about the mail at hand: ten thousand
others would end the same way. So the gate shuts, for all workers, and their jobs are put off until
it opens again. Nothing fails by it.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from time import monotonic, sleep

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.core.backoff import wait_after
from apps.core.errors import JobPutOff
from apps.core.tracker import ProgressTracker
from apps.invoices.errors import Deferred, LoginRefused, Overloaded, SenderRefused, Unreachable
from apps.invoices.models import MailAccount

#: A server that has put off so many mails in a row means all of them.
DEFERRALS_IN_A_ROW = 10
#: A login that is tried again and again gets locked.
LOGIN_WAIT_SECONDS = 60.0
LONGEST_LOGIN_WAIT_SECONDS = 900.0
#: How often a wait looks up whether somebody wants the job to stop.
SLICE_SECONDS = 0.25
#: A turn further away than this was given before the clock was put back.
LONGEST_TURN_SECONDS = 600.0

WORDS: dict[type[Unreachable], str] = {
    LoginRefused: gettext_noop("The mail server refuses the login: %(answer)s"),
    SenderRefused: gettext_noop("The mail server refuses the sender: %(answer)s"),
    Overloaded: gettext_noop("The mail server puts every e-mail off: %(answer)s"),
    Unreachable: gettext_noop("The mail server can't be reached: %(answer)s"),
}
DAY_IS_FULL = gettext_noop("The limit of %(limit)s e-mails a day is reached.")


class Gate:
    """One attempt's way to the mail server."""

    def __init__(self, account: str) -> None:
        self._account, _ = MailAccount.objects.get_or_create(name=account[:300])
        self._deferred = 0

    def wait(self, progress: ProgressTracker) -> None:
        """Wait for this mail's turn; called between items, where the job may stop.

        Raises:
            JobPutOff: the account is shut, or its mails of today are used up.
        """
        if self._is_shut():
            raise self.put_off()
        turn = monotonic() + self._take_turn()
        while (left := turn - monotonic()) > 0:
            progress.checkpoint()
            sleep(min(left, SLICE_SECONDS))

    def answered(self) -> None:
        """Note that the server has said yes or no to a mail: it is there, and lets us in."""
        self._deferred = 0
        if self._account.failures:
            self._account.failures, self._account.closed_until = 0, None
            self._row.update(failures=0, closed_until=None, msgid="", answer="")

    def deferred(self, error: Deferred) -> None:
        """Note that the server has put a mail off, and shut the gate when it means all of them."""
        self._deferred += 1
        if self._deferred >= DEFERRALS_IN_A_ROW:
            self._deferred = 0
            self.shut(Overloaded(error.text, code=error.code, command=error.command))

    def shut(self, error: Unreachable) -> None:
        """Shut the gate for all workers, for longer each time; once for all who meet it shut."""
        now = timezone.now()
        is_open = Q(closed_until__isnull=True) | Q(closed_until__lte=now)
        wait = timedelta(seconds=_wait_after(error, self._account.failures + 1))
        self._row.filter(is_open).update(
            failures=F("failures") + 1,
            closed_until=now + wait,
            msgid=WORDS[type(error)],
            answer=str(error),
        )
        self._account.refresh_from_db()

    def put_off(self) -> JobPutOff:
        """Make what ends the attempt until the gate opens again."""
        until = self._account.closed_until or timezone.now()
        wait = max(0.0, (until - timezone.now()).total_seconds())
        return JobPutOff(wait, self._account.msgid, {"answer": self._account.answer})

    @property
    def _row(self) -> QuerySet[MailAccount]:
        return MailAccount.objects.filter(pk=self._account.pk)

    def _is_shut(self) -> bool:
        until = self._account.closed_until
        return until is not None and until > timezone.now()

    def _take_turn(self) -> float:
        """Take the next turn of all workers' and give the seconds until then."""
        per_minute: int = settings.HERON_MAILS_PER_MINUTE
        per_day: int = settings.HERON_MAILS_PER_DAY
        if not per_minute and not per_day:
            return 0.0
        with transaction.atomic():
            account = MailAccount.objects.select_for_update().get(pk=self._account.pk)
            now = timezone.now()
            if account.day != timezone.localdate(now):
                account.day, account.sent = timezone.localdate(now), 0
            if per_day and account.sent >= per_day:
                raise JobPutOff(_until_tomorrow(now), DAY_IS_FULL, {"limit": per_day})
            turn = max(now, account.next_at or now)
            if (turn - now).total_seconds() > LONGEST_TURN_SECONDS:
                turn = now
            if per_minute:
                account.next_at = turn + timedelta(seconds=60 / per_minute)
            account.sent += 1
            account.save(update_fields=["day", "sent", "next_at"])
        wait: timedelta = turn - now
        return wait.total_seconds()


def _wait_after(error: Unreachable, failures: int) -> float:
    if isinstance(error, LoginRefused | SenderRefused):
        doubled: float = LOGIN_WAIT_SECONDS * 2.0 ** min(failures - 1, 10)
        return min(LONGEST_LOGIN_WAIT_SECONDS, doubled)
    return wait_after(failures)


def _until_tomorrow(now: datetime) -> float:
    tomorrow = timezone.localdate(now) + timedelta(days=1)
    return (timezone.make_aware(datetime.combine(tomorrow, time())) - now).total_seconds()
