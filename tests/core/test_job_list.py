"""What the pages of jobs ask the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone, translation

from apps.core import job_list
from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.statuses import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def karim() -> User:
    return User.objects.create_user("karim", first_name="Karim", last_name="Benali")


def make_job(user: User | None, status: Status = Status.COMPLETED, **values: Any) -> SSEProgress:
    return SSEProgress.objects.create(user=user, status=status, task_type="edi_import", **values)


def ended(user: User, took_s: float, ago: timedelta = timedelta(0), **values: Any) -> SSEProgress:
    end = timezone.now() - ago
    start = end - timedelta(seconds=took_s)
    return make_job(user, started_at=start, finished_at=end, **values)


def test_the_overview_counts_what_runs_waits_and_ended(karim: User) -> None:
    for status in (Status.RUNNING, Status.PAUSING, Status.PENDING, Status.PAUSED):
        make_job(karim, status)
    ended(karim, 10)
    ended(karim, 10, failed_items=1, processed_items=1)
    ended(karim, 10, status=Status.FAILED)
    ended(karim, 10, status=Status.EXPIRED)
    ended(karim, 10, status=Status.CANCELLED)

    figures = job_list.overview(karim)

    assert (figures.running, figures.waiting) == (2, 2)
    assert (figures.finished, figures.failures) == (2, 2)
    assert figures.failure_percent == 50.0


def test_what_ended_before_yesterday_does_not_count(karim: User) -> None:
    ended(karim, 10, ago=timedelta(hours=25))

    figures = job_list.overview(karim)

    assert figures.finished == 0
    assert figures.median_s is None
    assert figures.failure_percent == 0.0


def test_the_median_is_not_moved_by_one_long_job(karim: User) -> None:
    for took_s in (20, 24, 28, 4000, 22):
        ended(karim, took_s)

    figures = job_list.overview(karim)

    assert figures.median_s == 24
    assert figures.p95_s is None


def test_nineteen_of_twenty_are_told_from_twenty_jobs_on(karim: User) -> None:
    for took_s in range(1, 21):
        ended(karim, took_s)

    p95_s = job_list.overview(karim).p95_s

    assert p95_s is not None
    assert 19 <= p95_s <= 20


def test_a_stranger_has_no_jobs(karim: User) -> None:
    make_job(karim)

    assert not job_list.history(AnonymousUser()).exists()
    assert job_list.overview(AnonymousUser()).running == 0


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("running", {Status.RUNNING, Status.PAUSING, Status.CANCELLING}),
        ("waiting", {Status.PENDING, Status.PAUSED}),
        ("failed", {Status.FAILED, Status.EXPIRED}),
        ("all", set(Status)),
        ("unknown", set(Status)),
    ],
)
def test_a_tab_keeps_its_states(karim: User, tab: str, expected: set[Status]) -> None:
    for status in Status:
        make_job(karim, status)

    found = {Status(job.status) for job in job_list.history(karim, tab=tab)}

    assert found == expected


def test_a_completed_job_with_a_doubtful_item_is_among_those_with_errors(karim: User) -> None:
    doubtful = make_job(karim, processed_items=1, in_doubt_items=1)
    make_job(karim)

    assert list(job_list.history(karim, tab="errors")) == [doubtful]


def test_the_tabs_count_what_they_would_show(karim: User) -> None:
    make_job(karim, Status.RUNNING)
    make_job(karim, Status.FAILED)
    make_job(karim)

    tabs = job_list.tabs(karim)

    assert {tab.name: tab.count for tab in tabs} == {
        tab.name: job_list.history(karim, tab=tab.name).count() for tab in tabs
    }
    assert tabs[0].count == 3


@pytest.mark.parametrize(
    "words",
    ["catalogue", "élan", "ELAN-7", "edi_imp", "benali", "KARIM", " F-2026-01 "],
)
def test_a_search_finds_a_job_by_what_people_remember(karim: User, words: str) -> None:
    job = make_job(
        karim, title="Import of the catalogue %(file)s", title_params={"file": "élan-elan-7.csv"}
    )
    JobItem.objects.create(job=job, key="1", ref="F-2026-01", outcome=Outcome.FAILED)

    assert list(job_list.history(karim, search=words)) == [job]


def test_a_search_finds_a_job_by_its_id(karim: User) -> None:
    job = make_job(karim)
    make_job(karim)

    assert list(job_list.history(karim, search=job.job_id[:12])) == [job]


def test_a_search_reads_titles_in_the_readers_language(karim: User) -> None:
    # "Password" stands for any msgid: Django brings its translation.
    job = make_job(karim, title="Password")

    with translation.override("fr"):
        found = list(job_list.history(karim, search="mot de passe"))

    assert found == [job]


@pytest.mark.parametrize("words", ["%", "_", "\\", "'", '"', "nothing like it"])
def test_a_search_for_what_is_not_there_finds_nothing(karim: User, words: str) -> None:
    karim.username = "k"
    karim.save()
    make_job(karim, title="Import", title_params={}, job_id="abc")
    SSEProgress.objects.update(task_type="import")

    assert not job_list.history(karim, search=words).exists()


def test_a_search_never_leaves_the_readers_own_jobs(karim: User) -> None:
    make_job(User.objects.create_user("claire"), title="Secret")

    assert not job_list.history(karim, search="secret").exists()


def test_the_newest_job_comes_first(karim: User) -> None:
    old, new = make_job(karim), make_job(karim)
    SSEProgress.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=1))

    assert list(job_list.history(karim)) == [new, old]


def test_a_ledger_of_one_kind_needs_no_tabs(karim: User) -> None:
    job = make_job(karim)
    JobItem.objects.create(job=job, key="1", outcome=Outcome.FAILED)
    assert job_list.ledger_tabs(job) == []

    JobItem.objects.create(job=job, key="2", outcome=Outcome.SKIPPED)

    assert [(tab.name, tab.count) for tab in job_list.ledger_tabs(job)] == [
        ("", 2),
        ("skipped", 1),
        ("failed", 1),
    ]


def test_an_unknown_outcome_is_no_filter(karim: User) -> None:
    job = make_job(karim)
    line = JobItem.objects.create(job=job, key="1", outcome=Outcome.FAILED)

    assert list(job_list.ledger(job, outcome="nonsense")) == [line]
    assert not job_list.ledger(job, outcome=Outcome.SKIPPED).exists()
