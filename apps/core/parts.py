"""The parts of a fanned-out job: made once, and moved together when somebody asks for something.

Each part is a job of its own to a worker, with lease, cursor and ledger. All functions here are
called in a transaction that has written, and so locked, the row of the whole job: in that order,
always, nobody can wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Case, Count, DateTimeField, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from apps.core.handoff import ring
from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.statuses import TERMINAL, Status

#: Rows in one INSERT.
BATCH = 500

#: Nobody works on a part in one of these, and nobody will unless somebody asks for it.
RESTING = TERMINAL | {Status.PAUSED}

_STOPPING = {
    Status.PENDING: Status.CANCELLED,
    Status.PAUSED: Status.CANCELLED,
    Status.RUNNING: Status.CANCELLING,
    Status.PAUSING: Status.CANCELLING,
}
#: State of the whole → what becomes of a part in each state. Nobody works on a part that waits, so
#: nobody has to confirm.
WISHES: dict[str, dict[Status, Status]] = {
    Status.PAUSING: {Status.PENDING: Status.PAUSED, Status.RUNNING: Status.PAUSING},
    Status.CANCELLING: _STOPPING,
    Status.CANCELLED: _STOPPING,
}

#: Parts that have something left to do, or never came to their end.
UNFINISHED = ~Q(status=Status.COMPLETED, total_items=F("processed_items"))


class PartActor(Protocol):
    """An actor as `progress_actor` makes it."""

    task_type: str
    unit: tuple[str, str] | None
    fn: Callable[..., None]

    @property
    def actor_name(self) -> str:
        """Dramatiq's name of the actor."""
        ...

    @property
    def queue_name(self) -> str:
        """The queue that its messages go to."""
        ...


def of(job: SSEProgress) -> QuerySet[SSEProgress]:
    """Find the parts of a job."""
    return SSEProgress.objects.filter(parent_id=job.job_id)


def create(job: SSEProgress, actor: PartActor, chunks: Iterable[Mapping[str, Any]]) -> None:
    """Make a part for each chunk, and ring for them on commit; those that there are stay."""
    unit = {"one": actor.unit[0], "other": actor.unit[1]} if actor.unit else job.unit
    rows = [
        SSEProgress(
            parent_id=job.job_id,
            part=number,
            user_id=job.user_id,
            task_type=actor.task_type,
            title=job.title,
            title_params=job.title_params,
            unit=unit,
            language=job.language,
            actor=actor.actor_name,
            queue=actor.queue_name,
            args={"kwargs": {name: chunk[name] for name in chunk if name != "total"}},
            total_items=chunk.get("total"),
        )
        for number, chunk in enumerate(chunks, start=1)
    ]
    SSEProgress.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    _ring_on_commit(job)


def obey(job: SSEProgress) -> None:
    """Ask of the parts what was asked of the whole.

    In one statement: a part that is taken up or handed back at this very moment would slip through
    between two.
    """
    wishes = WISHES.get(job.status)
    if wishes is None:
        return
    at_once = [part for part, to in wishes.items() if to in (Status.PAUSED, Status.CANCELLED)]
    over = [part for part, to in wishes.items() if to == Status.CANCELLED]
    of(job).filter(status__in=wishes).update(
        status=Case(*(When(status=part, then=Value(to)) for part, to in wishes.items())),
        lease_until=_where(at_once, None, "lease_until"),
        finished_at=_where(over, Now(), "finished_at"),
        seq=F("seq") + 1,
        updated_at=Now(),
    )


def wake(job: SSEProgress, which: Q, **values: Any) -> None:
    """Put the parts that nobody works on back in the queue, those of them that are `which`."""
    of(job).filter(which, status__in=RESTING).update(
        status=Status.PENDING,
        seq=F("seq") + 1,
        updated_at=Now(),
        message="",
        message_params={},
        error={},
        finished_at=None,
        lease_until=None,
        enqueued_at=None,
        not_before=None,
        **values,
    )
    _ring_on_commit(job)


def take_up_failed(job: SSEProgress) -> None:
    """Take the failed items of parts that are over out of the counts, to be done first."""
    failed = JobItem.objects.filter(job__parent_id=job.job_id, outcome=Outcome.FAILED)
    counts = failed.order_by().values_list("job_id").annotate(Count("pk"))
    for part_id, count in list(counts):
        JobItem.objects.filter(job_id=part_id, outcome=Outcome.FAILED).update(outcome=Outcome.RETRY)
        SSEProgress.objects.filter(job_id=part_id).update(
            processed_items=F("processed_items") - count, failed_items=F("failed_items") - count
        )


def _where(states: list[Status], then: Any, otherwise: str) -> Case:
    return Case(
        When(status__in=states, then=then),
        default=F(otherwise),
        output_field=DateTimeField(null=True),
    )


def _ring_on_commit(job: SSEProgress) -> None:
    def ring_all() -> None:
        for part in of(job).filter(status=Status.PENDING, enqueued_at=None).order_by("part"):
            if not ring(part):
                break  # the broker is away; the scheduler rings later

    transaction.on_commit(ring_all, robust=True)
