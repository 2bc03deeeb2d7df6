"""What a person decides about items in doubt, which nobody repeats by itself.

Decided while nobody works on the job: when it is over or paused. Each decision first locks the
job's row, so that two people who decide at once are counted once, and the counters, the ledger and
what the features keep change together or not at all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core import fanout
from apps.core.errors import NotInDoubtError, NotPossibleNowError
from apps.core.ledger import lines
from apps.core.models import Decision, JobItem, Outcome, SSEProgress
from apps.core.signals import item_decided, job_changed
from apps.core.statuses import TERMINAL, Status
from apps.core.verbs import start_again

#: Nobody works on the job: no worker's count can be in the way.
DECIDABLE = TERMINAL | {Status.PAUSED}

#: What a decision makes of the item.
OUTCOME_OF: dict[Decision, Outcome] = {
    Decision.AGAIN: Outcome.RETRY,
    Decision.DONE: Outcome.DONE,
    Decision.SKIP: Outcome.SKIPPED,
}

#: The words on the buttons: for one item, and for all.
LABELS: dict[Decision, tuple[Any, Any]] = {
    Decision.AGAIN: (_("Do again"), _("Do all again")),
    Decision.DONE: (_("Mark as done"), _("Mark all as done")),
    Decision.SKIP: (_("Skip"), _("Skip all")),
}


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What came of a decision."""

    job: SSEProgress
    decision: Decision
    #: Items decided about.
    count: int
    #: To be done again, but not yet: the job has other work left, which nobody has asked for.
    waits: bool


def possible(job: SSEProgress) -> list[Decision]:
    """Name what may be decided about the job's items in doubt now.

    A plain job's items can't be done again: only its own code could.
    """
    if not job.in_doubt_items or job.status not in DECIDABLE or job.parent_id is not None:
        return []
    return [each for each in Decision if job.actor or each != Decision.AGAIN]


def decide(
    job: SSEProgress,
    decision: Decision,
    user: AbstractBaseUser,
    *,
    item: int | None = None,
) -> Decided:
    """Decide about one item in doubt (a ledger line's primary key), or about all of a job's.

    What is to be done again starts at once when nothing else is left of the job. Otherwise it is
    taken up first as soon as somebody resumes or retries the job: "send this one again" must not
    send a hundred others that somebody has stopped.

    Raises:
        NotPossibleNowError: somebody works on the job, or it can't do anything again.
        NotInDoubtError: there is nothing in doubt; somebody else has decided meanwhile.
    """
    with transaction.atomic():
        row = _locked(job, decision)
        items = _write(row, decision, user, item)
        for each in items:
            item_decided.send(
                JobItem, job=each.job, track=each.track, key=each.key, decision=decision, user=user
            )
        nothing_else_left = row.books.left == 0
        for job_id, count in Counter(each.job_id for each in items).items():
            SSEProgress.objects.filter(job_id=job_id).update(**_counters(decision, count))
        if row.fanned_out:
            fanout.sum_up(row)
        again = None
        if decision == Decision.AGAIN and nothing_else_left and row.status in TERMINAL:
            again = start_again(row)
        row.refresh_from_db()
        if again is None:
            job_changed.send(SSEProgress, job=row, kind="progress", urgent=True)
    waits = decision == Decision.AGAIN and again is None
    return Decided(job=row, decision=decision, count=len(items), waits=waits)


def tell(decided: Decided) -> str:
    """Tell what came of a decision."""
    count = decided.count
    if decided.decision == Decision.DONE:
        text = ngettext("%(count)s item marked as done.", "%(count)s items marked as done.", count)
    elif decided.decision == Decision.SKIP:
        text = ngettext("%(count)s item skipped.", "%(count)s items skipped.", count)
    elif decided.waits:
        text = ngettext(
            "%(count)s item will be done again as soon as the job goes on.",
            "%(count)s items will be done again as soon as the job goes on.",
            count,
        )
    else:
        text = ngettext(
            "%(count)s item is being done again.", "%(count)s items are being done again.", count
        )
    return text % {"count": count}


def _locked(job: SSEProgress, decision: Decision) -> SSEProgress:
    """Lock the job's row until the end of the transaction, and read it."""
    guarded = SSEProgress.objects.whole().filter(job_id=job.job_id, status__in=DECIDABLE)
    if decision == Decision.AGAIN:
        guarded = guarded.exclude(actor="")
    written = guarded.update(seq=F("seq") + 1)
    row = SSEProgress.objects.get(job_id=job.job_id)
    if not written:
        raise NotPossibleNowError("decide about", row.status)
    return row


def _write(
    job: SSEProgress, decision: Decision, user: AbstractBaseUser, item: int | None
) -> list[JobItem]:
    doubtful = lines(job).filter(outcome=Outcome.IN_DOUBT)
    if item is not None:
        doubtful = doubtful.filter(pk=item)
    items = list(doubtful.select_related("job").order_by("pk"))
    if not items:
        raise NotInDoubtError(job.job_id, item)
    doubtful.update(
        outcome=OUTCOME_OF[decision],
        decision=decision,
        decided_by=user.pk,
        decided_at=Now(),
        at=Now(),
    )
    return items


def _counters(decision: Decision, count: int) -> dict[str, Any]:
    """Give the changes of the row's counters; done is what remains, so it needs none."""
    changes: dict[str, Any] = {"in_doubt_items": F("in_doubt_items") - count}
    if decision == Decision.AGAIN:
        changes["processed_items"] = F("processed_items") - count
    elif decision == Decision.SKIP:
        changes["skipped_items"] = F("skipped_items") + count
    return changes
