"""The questions that the pages of jobs ask: how things stand, what runs, what there was."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from apps.core.ledger import lines as lines_of
from apps.core.models import JobItem, Outcome, SSEProgress, SSEProgressQuerySet
from apps.core.statuses import LEASED, Status
from apps.core.texts import render

Reader = AbstractBaseUser | AnonymousUser

#: The window of the figures.
DAY = timedelta(hours=24)
#: Durations that the median is taken of, the newest ones.
SAMPLE = 1000

#: Name of a tab → its label and what it keeps.
TABS: dict[str, tuple[Any, Q]] = {
    "all": (pgettext_lazy("jobs", "All"), Q()),
    "running": (_("Running"), Q(status__in=LEASED)),
    "waiting": (_("Waiting"), Q(status__in=(Status.PENDING, Status.PAUSED))),
    "errors": (
        _("With errors"),
        Q(status=Status.COMPLETED) & (Q(failed_items__gt=0) | Q(in_doubt_items__gt=0)),
    ),
    "failed": (_("Failures"), Q(status__in=(Status.FAILED, Status.EXPIRED))),
}


@dataclass(frozen=True, kw_only=True)
class JobOverview:
    """How a reader's jobs stand now and how they went in the last 24 hours."""

    running: int
    waiting: int
    #: Completed in the last 24 hours, with or without failed items.
    finished: int
    #: Failed or expired in the last 24 hours.
    failures: int
    #: Seconds from start to end of the jobs completed in the last 24 hours; None without any.
    median_s: int | None
    #: Nineteen of twenty took less, in seconds; None for fewer than twenty.
    p95_s: int | None

    @property
    def failure_percent(self) -> float:
        """The share of failures among the jobs that ended, 0 to 100."""
        ended = self.finished + self.failures
        return 100 * self.failures / ended if ended else 0.0


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One filter of a list, with the number of rows it would show."""

    name: str
    label: str
    count: int


def overview(user: Reader) -> JobOverview:
    """Count the reader's jobs for the figures on top of the page."""
    since = timezone.now() - DAY
    ended = Q(finished_at__gte=since)
    jobs = SSEProgress.objects.visible_to(user).whole()
    counts = jobs.aggregate(
        running=Count("pk", filter=TABS["running"][1]),
        waiting=Count("pk", filter=TABS["waiting"][1]),
        finished=Count("pk", filter=ended & Q(status=Status.COMPLETED)),
        failures=Count("pk", filter=ended & TABS["failed"][1]),
    )
    durations = _durations(user, since)
    return JobOverview(
        **counts,
        median_s=round(statistics.median(durations)) if durations else None,
        p95_s=round(statistics.quantiles(durations, n=20)[-1]) if len(durations) >= 20 else None,
    )


def under_way(user: Reader) -> SSEProgressQuerySet:
    """Find the reader's jobs that are not over, those at work before those that wait."""
    jobs = SSEProgress.objects.visible_to(user).whole().active().select_related("user")
    return jobs.order_by("started_at", "created_at")


def history(user: Reader, *, tab: str = "all", search: str = "") -> SSEProgressQuerySet:
    """Find the reader's jobs, newest first; an unknown tab is the first one."""
    keep = TABS.get(tab, TABS["all"])[1]
    return _searched(user, search).filter(keep).select_related("user").order_by("-created_at", "pk")


def tabs(user: Reader, *, search: str = "") -> list[Tab]:
    """List the filters of the history with their counts, in one query."""
    counts = _searched(user, search).aggregate(
        **{name: Count("pk", filter=keep) for name, (_label, keep) in TABS.items()}
    )
    return [
        Tab(name=name, label=str(label), count=counts[name])
        for name, (label, _keep) in TABS.items()
    ]


def ledger(job: SSEProgress, *, outcome: str = "") -> QuerySet[JobItem]:
    """Find a job's ledger lines in the order of the work, of one outcome or of all."""
    lines = lines_of(job).order_by("pk")
    return lines.filter(outcome=outcome) if outcome in Outcome.values else lines


def ledger_tabs(job: SSEProgress) -> list[Tab]:
    """List the outcomes that a job's ledger holds; empty when there is nothing to choose."""
    counts = dict(lines_of(job).order_by().values_list("outcome").annotate(Count("pk")))
    found = [
        Tab(name=outcome.value, label=str(outcome.label), count=counts[outcome.value])
        for outcome in Outcome
        if outcome.value in counts
    ]
    if len(found) < 2:
        return []
    return [Tab(name="", label=pgettext("items", "All"), count=sum(counts.values())), *found]


def _durations(user: Reader, since: datetime) -> list[float]:
    times = (
        SSEProgress.objects.visible_to(user)
        .whole()
        .filter(status=Status.COMPLETED, finished_at__gte=since, started_at__isnull=False)
        .order_by("-finished_at")
        .values_list("started_at", "finished_at")[:SAMPLE]
    )
    return [
        (finished - started).total_seconds() for started, finished in times if started and finished
    ]


def _searched(user: Reader, search: str) -> SSEProgressQuerySet:
    """Keep the jobs whose title, kind, owner, id or ledger holds the words as they are written."""
    jobs = SSEProgress.objects.visible_to(user).whole()
    words = search.strip()
    if not words:
        return jobs
    whose = Q(job=OuterRef("pk")) | Q(job__parent=OuterRef("pk"))
    in_ledger = JobItem.objects.filter(whose, ref__icontains=words)
    # SQLite keeps JSON as it was written, where an accent is an escape; PostgreSQL does not.
    escaped = json.dumps(words)[1:-1]
    return jobs.filter(
        Q(title__in=_titles_that_read(jobs, words))
        | Q(title_params__icontains=words)
        | Q(title_params__icontains=escaped)
        | Q(task_type__icontains=words)
        | Q(user__first_name__icontains=words)
        | Q(user__last_name__icontains=words)
        | Q(user__username__icontains=words)
        | Q(job_id__startswith=words)
        | Exists(in_ledger)
    )


def _titles_that_read(jobs: SSEProgressQuerySet, words: str) -> list[str]:
    """Find the stored titles that hold the words in the reader's language.

    Titles are stored as msgids, of which there are as many as kinds of work.
    """
    stored = jobs.exclude(title="").order_by().values_list("title", flat=True).distinct()
    return [title for title in stored if words.casefold() in render(title).casefold()]
