"""Jobs' states as their events carry them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation

from apps.core.models import SSEProgress
from apps.core.snapshot import snapshot
from apps.core.statuses import Status

#: Jobs read in one query.
JOBS_AT_ONCE = 500


class State(NamedTuple):
    """A job's state on the wire, and the kind of its event."""

    job_id: str
    kind: str
    data: str


def data_of(job: SSEProgress, kind: str) -> str:
    """Write a job's state in the job's language, which all of its readers share."""
    with translation.override(job.language or settings.LANGUAGE_CODE):
        return json.dumps(snapshot(job, kind), cls=DjangoJSONEncoder)


def states_of(job_ids: Iterable[str]) -> Iterator[State]:
    """Read where jobs stand now; those that are gone are left out."""
    wanted = list(job_ids)
    for start in range(0, len(wanted), JOBS_AT_ONCE):
        for job in SSEProgress.objects.filter(job_id__in=wanted[start : start + JOBS_AT_ONCE]):
            kind = _kind_of(job)
            yield State(job.job_id, kind, data_of(job, kind))


def _kind_of(job: SSEProgress) -> str:
    """Name the event of a state of which nobody knows what led to it."""
    if not job.is_terminal:
        return "progress"
    return "complete" if job.status == Status.COMPLETED else "error"
