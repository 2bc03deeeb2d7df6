"""`manage.py jobs`: look at jobs and steer them from a terminal."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import translation

from apps.core.models import JobItem, Outcome, SSEProgress
from apps.core.statuses import Status

NOT_NOW, NOT_FOUND = 1, 2


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


def jobs(*arguments: str) -> str:
    out = StringIO()
    call_command("jobs", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as error:
        jobs(*arguments)
    return error.value


def make(user: User, job_id: str, status: Status = Status.RUNNING, **values: Any) -> SSEProgress:
    return SSEProgress.objects.create(
        **{
            "job_id": job_id,
            "user": user,
            "task_type": "t",
            "title": "Night run",
            "actor": "x",
            "queue": "default",
            "status": status,
            "total_items": 4,
            "processed_items": 1,
            **values,
        }
    )


def doubtful(user: User) -> SSEProgress:
    job = make(user, "doubtful-1", Status.COMPLETED, processed_items=4, in_doubt_items=2)
    for key in ("3", "4"):
        JobItem.objects.create(
            job=job, key=key, ref=f"F-{key}", outcome=Outcome.IN_DOUBT, message="No answer"
        )
    return job


def test_without_a_verb_it_lists_the_newest_jobs(alice: User) -> None:
    make(alice, "aaaa0000-1")
    make(alice, "bbbb0000-1", Status.PAUSED)

    lines = jobs().splitlines()

    assert [line.split()[0] for line in lines] == ["bbbb0000", "aaaa0000"]
    assert lines[1].split()[:4] == ["aaaa0000", "Running", "25", "%"]
    assert "Night run" in lines[1]


def test_a_list_can_be_narrowed_and_cut(alice: User) -> None:
    make(alice, "aaaa0000-1")
    make(alice, "bbbb0000-1", Status.PAUSED)
    make(alice, "cccc0000-1", Status.PAUSED)

    assert len(jobs("list", "--status", "paused").splitlines()) == 2
    assert len(jobs("list", "--limit", "1").splitlines()) == 1


@pytest.mark.django_db
def test_an_empty_list_says_so() -> None:
    assert jobs() == "No job here yet.\n"


def test_a_list_as_json_is_the_jobs_snapshots(alice: User) -> None:
    make(alice, "aaaa0000-1")

    for answer in (jobs("--json"), jobs("list", "--json"), jobs("--json", "list")):
        [snapshot] = json.loads(answer)["jobs"]
        assert snapshot["job_id"] == "aaaa0000-1"
        assert snapshot["counts"]["left"] == 3


def test_a_job_is_shown_with_its_ledger(alice: User) -> None:
    job = doubtful(alice)
    item = job.items.get(key="3")

    text = jobs("show", "doubt")

    assert text.startswith("Night run\n")
    assert f"#{item.pk}  In doubt  F-3  No answer" in text


def test_a_job_is_shown_as_json_with_its_items(alice: User) -> None:
    doubtful(alice)

    data = json.loads(jobs("show", "doubt", "--json"))

    assert data["status"] == "completed"
    assert [(item["key"], item["outcome"]) for item in data["items"]] == [
        ("3", "in_doubt"),
        ("4", "in_doubt"),
    ]


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("cancel", Status.RUNNING, Status.CANCELLING),
        ("pause", Status.RUNNING, Status.PAUSING),
        ("resume", Status.PAUSED, Status.PENDING),
        ("retry", Status.EXPIRED, Status.PENDING),
    ],
)
def test_each_verb_moves_the_job_and_says_where_it_is_now(
    alice: User, *, verb: str, before: Status, after: Status
) -> None:
    job = make(alice, "aaaa0000-1", before)

    text = jobs(verb, "aaaa")

    job.refresh_from_db()
    assert job.status == after
    assert str(after.label) in text


def test_what_is_not_possible_now_ends_with_status_1_in_the_users_words(alice: User) -> None:
    make(alice, "aaaa0000-1", Status.COMPLETED, processed_items=4)

    error = refused("cancel", "aaaa")

    assert error.returncode == NOT_NOW
    assert str(error) == "That is not possible now: the job is “Completed”."


@pytest.mark.parametrize("prefix", ["aaaa", "nothing", "", "%"])
def test_a_job_must_be_named_without_doubt(alice: User, prefix: str) -> None:
    make(alice, "aaaa0000-1")
    make(alice, "aaaa0000-2")

    assert refused("cancel", prefix).returncode == NOT_FOUND
    assert SSEProgress.objects.filter(status=Status.RUNNING).count() == 2


def test_a_whole_id_is_found_even_when_it_begins_another(alice: User) -> None:
    short, long = make(alice, "aaaa"), make(alice, "aaaab")

    jobs("cancel", "aaaa")

    short.refresh_from_db()
    long.refresh_from_db()
    assert (short.status, long.status) == (Status.CANCELLING, Status.RUNNING)


def test_one_item_in_doubt_is_decided_by_its_number_or_its_reference(alice: User) -> None:
    job = doubtful(alice)
    number = job.items.get(key="3").pk

    first = jobs("decide", "doubt", "done", f"#{number}", "--user", "alice")
    jobs("decide", "doubt", "skip", "F-4", "--user", "alice")

    job.refresh_from_db()
    assert first == "1 item marked as done.\n"
    assert job.books.counts() == {"done": 3, "skipped": 1, "failed": 0, "in_doubt": 0, "left": 0}
    assert {item.decided_by for item in job.items.all()} == {alice}


def test_all_items_in_doubt_are_decided_at_once(alice: User) -> None:
    job = doubtful(alice)

    text = jobs("decide", "doubt", "again", "--all", "--user", "alice")

    job.refresh_from_db()
    assert text == "2 items are being done again.\n"
    assert (job.status, job.books.left) == (Status.PENDING, 2)


def test_what_is_decided_already_ends_with_status_1(alice: User) -> None:
    doubtful(alice)
    jobs("decide", "doubt", "done", "--all", "--user", "alice")

    assert refused("decide", "doubt", "done", "--all", "--user", "alice").returncode == NOT_NOW


@pytest.mark.parametrize("key", ["F-9", "#999999", "all"])
def test_an_item_that_is_not_there_ends_with_status_2(alice: User, key: str) -> None:
    doubtful(alice)

    assert refused("decide", "doubt", "done", key, "--user", "alice").returncode == NOT_FOUND


@pytest.mark.parametrize("name", ["nobody", "bob"])
def test_only_the_owner_and_staff_may_decide(alice: User, bob: User, name: str) -> None:
    job = doubtful(alice)

    assert refused("decide", "doubt", "done", "--all", "--user", name).returncode == NOT_FOUND
    assert job.items.filter(outcome=Outcome.IN_DOUBT).count() == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["explode", "x"],
        ["cancel"],
        ["decide", "x", "done", "--user", "alice"],
        ["decide", "x", "done", "1", "--all", "--user", "alice"],
        ["decide", "x", "done", "--all"],
        ["decide", "x", "perhaps", "--all", "--user", "alice"],
    ],
)
@pytest.mark.django_db
def test_a_command_that_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        jobs(*arguments)
