"""Items in doubt: a person decides, the books balance, and nobody's decision is counted twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from apps.core import decisions, ledger
from apps.core.errors import ItemFailed, ItemInDoubt, NotInDoubtError, NotPossibleNowError
from apps.core.models import Decision, JobItem, Outcome, SSEProgress
from apps.core.runner import run
from apps.core.signals import item_decided
from apps.core.statuses import Status
from apps.core.tracker import ProgressTracker
from apps.core.verbs import cancel, pause, resume

Attempt = Callable[[Callable[[ProgressTracker], None]], SSEProgress]
Events = list[tuple[str, str, dict[str, Any]]]
Heard = list[tuple[str, int, str, str, str]]


class Post:
    """An actor whose mails meet the fates they are given; `sent` is the outside world's log."""

    def __init__(self, **fates: Exception | None) -> None:
        self.fates = fates
        self.sent: list[str] = []
        #: What somebody asks of the job while a mail is under way.
        self.wishes: dict[str, Callable[[], object]] = {}

    def __call__(self, progress: ProgressTracker) -> None:
        for name in progress.track(list(self.fates), key=str):
            with progress.item(name, ref=f"F-{name}", irreversible=True):
                self.sent.append(name)
                self.wishes.pop(name, lambda: None)()
                if (fate := self.fates[name]) is not None:
                    raise fate


def doubt() -> ItemInDoubt:
    return ItemInDoubt("The line went dead")


def counts(job: SSEProgress) -> dict[str, int | None]:
    return job.books.counts()


def item_of(job: SSEProgress, key: str) -> JobItem:
    return job.items.get(key=key)


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What features hear of decisions."""
    calls: Heard = []

    def listen(sender: object, *, job: SSEProgress, user: User, **facts: Any) -> None:
        calls.append((job.job_id, facts["track"], facts["key"], facts["decision"], user.username))

    item_decided.connect(listen)
    yield calls
    item_decided.disconnect(listen)


def test_marking_as_done_counts_the_item_as_done_and_keeps_who_said_so(
    attempt: Attempt, alice: User, heard: Heard
) -> None:
    job = attempt(Post(a=None, b=doubt(), c=doubt()))

    decided = decisions.decide(job, Decision.DONE, alice, item=item_of(job, "b").pk)

    assert (decided.count, decided.waits) == (1, False)
    assert counts(decided.job) == {"done": 2, "skipped": 0, "failed": 0, "in_doubt": 1, "left": 0}
    assert decided.job.status == Status.COMPLETED
    line = item_of(job, "b")
    assert (line.outcome, line.decision, line.decided_by) == (Outcome.DONE, Decision.DONE, alice)
    assert line.decided_at is not None
    assert line.text == "The line went dead"
    assert heard == [(job.job_id, 1, "b", Decision.DONE, "alice")]
    assert ledger.agrees(decided.job)


def test_skipping_all_counts_them_as_skipped(attempt: Attempt, alice: User, heard: Heard) -> None:
    job = attempt(Post(a=doubt(), b=None, c=doubt(), d=ItemFailed("no")))

    decided = decisions.decide(job, Decision.SKIP, alice)

    assert decided.count == 2
    assert counts(decided.job) == {"done": 1, "skipped": 2, "failed": 1, "in_doubt": 0, "left": 0}
    assert [key for _, _, key, _, _ in heard] == ["a", "c"]
    assert ledger.agrees(decided.job)


def test_doing_again_puts_the_job_back_for_that_item_alone(attempt: Attempt, alice: User) -> None:
    post = Post(a=None, b=doubt(), c=doubt(), d=ItemFailed("no"))
    job = attempt(post)

    decided = decisions.decide(job, Decision.AGAIN, alice, item=item_of(job, "b").pk)

    assert not decided.waits
    assert (decided.job.status, decided.job.attempts) == (Status.PENDING, 0)
    assert counts(decided.job) == {"done": 1, "skipped": 0, "failed": 1, "in_doubt": 1, "left": 1}
    post.fates["b"] = None
    again = attempt(post)
    assert post.sent == ["a", "b", "c", "d", "b"]
    assert again.status == Status.COMPLETED
    assert counts(again) == {"done": 2, "skipped": 0, "failed": 1, "in_doubt": 1, "left": 0}


def test_who_decided_is_still_known_once_the_item_is_done(attempt: Attempt, alice: User) -> None:
    post = Post(a=doubt())
    job = attempt(post)
    decisions.decide(job, Decision.AGAIN, alice)
    post.fates["a"] = None

    attempt(post)

    line = item_of(job, "a")
    assert (line.outcome, line.decision, line.decided_by) == (Outcome.DONE, Decision.AGAIN, alice)


def test_an_item_may_be_in_doubt_again_and_decided_again(
    attempt: Attempt, alice: User, bob: User
) -> None:
    post = Post(a=doubt())
    job = attempt(post)
    decisions.decide(job, Decision.AGAIN, alice)
    job = attempt(post)
    assert counts(job)["in_doubt"] == 1

    decided = decisions.decide(job, Decision.DONE, bob)

    assert counts(decided.job) == {"done": 1, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 0}
    assert item_of(job, "a").decided_by == bob


def test_doing_one_again_does_not_start_the_rest_of_a_cancelled_job(
    attempt: Attempt, job: SSEProgress, alice: User
) -> None:
    post = Post(a=doubt(), b=None, c=None)
    post.wishes["a"] = lambda: cancel(SSEProgress.objects.get(pk=job.pk))
    cancelled = attempt(post)
    assert counts(cancelled) == {"done": 0, "skipped": 0, "failed": 0, "in_doubt": 1, "left": 2}

    decided = decisions.decide(cancelled, Decision.AGAIN, alice)

    assert decided.waits
    assert decided.job.status == Status.CANCELLED
    assert counts(decided.job) == {"done": 0, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 3}


def test_a_paused_job_stays_paused_and_takes_the_item_up_first_when_resumed(
    attempt: Attempt, job: SSEProgress, alice: User
) -> None:
    post = Post(a=None, b=doubt(), c=None)
    post.wishes["b"] = lambda: pause(SSEProgress.objects.get(pk=job.pk))
    assert attempt(post).status == Status.PAUSED

    decided = decisions.decide(job, Decision.AGAIN, alice)
    assert decided.waits
    assert decided.job.status == Status.PAUSED
    resume(decided.job)
    post.fates["b"] = None
    done = attempt(post)

    assert post.sent == ["a", "b", "b", "c"]
    assert counts(done) == {"done": 3, "skipped": 0, "failed": 0, "in_doubt": 0, "left": 0}


@pytest.mark.parametrize(
    "status", [Status.PENDING, Status.RUNNING, Status.PAUSING, Status.CANCELLING]
)
@pytest.mark.parametrize("decision", Decision)
def test_nothing_is_decided_while_somebody_works(
    attempt: Attempt, alice: User, status: Status, decision: Decision
) -> None:
    job = attempt(Post(a=doubt()))
    SSEProgress.objects.filter(pk=job.pk).update(status=status)

    with pytest.raises(NotPossibleNowError) as refused:
        decisions.decide(job, decision, alice)

    job.refresh_from_db()
    assert refused.value.status == status
    assert decisions.possible(job) == []
    assert counts(job)["in_doubt"] == 1
    assert item_of(job, "a").outcome == Outcome.IN_DOUBT


@pytest.mark.parametrize("decision", Decision)
def test_the_second_to_decide_about_an_item_is_refused_and_not_counted(
    attempt: Attempt, alice: User, bob: User, decision: Decision
) -> None:
    job = attempt(Post(a=doubt(), b=doubt()))
    item = item_of(job, "a").pk
    first = decisions.decide(job, Decision.SKIP, alice, item=item).job

    with pytest.raises(NotInDoubtError):
        decisions.decide(job, decision, bob, item=item)

    job.refresh_from_db()
    assert (job.seq, counts(job)) == (first.seq, counts(first))
    assert item_of(job, "a").decided_by == alice


def test_an_item_of_another_job_is_not_touched(attempt: Attempt, alice: User) -> None:
    job = attempt(Post(a=doubt()))
    other = SSEProgress.objects.create(
        task_type="t", actor="x", status=Status.COMPLETED, total_items=1, processed_items=1
    )

    with pytest.raises(NotInDoubtError):
        decisions.decide(other, Decision.DONE, alice, item=item_of(job, "a").pk)

    assert item_of(job, "a").outcome == Outcome.IN_DOUBT


def test_a_plain_jobs_item_can_be_marked_but_not_done_again(attempt: Attempt, alice: User) -> None:
    job = attempt(Post(a=doubt()))
    SSEProgress.objects.filter(pk=job.pk).update(actor="")
    job.refresh_from_db()

    assert decisions.possible(job) == [Decision.DONE, Decision.SKIP]
    with pytest.raises(NotPossibleNowError):
        decisions.decide(job, Decision.AGAIN, alice)
    assert counts(decisions.decide(job, Decision.DONE, alice).job)["done"] == 1


def test_a_feature_that_cannot_follow_undoes_the_decision(attempt: Attempt, alice: User) -> None:
    job = attempt(Post(a=doubt()))

    def refuse(sender: object, **_: Any) -> None:
        raise RuntimeError("the delivery is gone")

    item_decided.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            decisions.decide(job, Decision.DONE, alice)
    finally:
        item_decided.disconnect(refuse)

    job.refresh_from_db()
    assert counts(job)["in_doubt"] == 1
    assert item_of(job, "a").decision == ""


def test_the_bar_hears_of_a_decision(
    attempt: Attempt,
    alice: User,
    events: Events,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    job = attempt(Post(a=doubt(), b=None))
    with django_capture_on_commit_callbacks(execute=True):
        decisions.decide(job, Decision.DONE, alice)

    payload = [data for channel, _, data in events if channel == f"progress-{job.job_id}"][-1]
    assert payload["seq"] > job.seq
    assert (payload["status"], payload["counts"]["done"]) == ("completed", 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="an in-memory SQLite has one connection only"
)
def test_two_people_who_decide_at_once_are_counted_once(
    job: SSEProgress, alice: User, bob: User
) -> None:
    run(job.job_id, Post(a=doubt(), b=doubt()))
    together = threading.Barrier(2)
    refused: list[str] = []

    def say(user: User, decision: Decision) -> None:
        together.wait()
        try:
            decisions.decide(job, decision, user)
        except NotInDoubtError:
            refused.append(user.username)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=say, args=(alice, Decision.SKIP)),
        threading.Thread(target=say, args=(bob, Decision.DONE)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    job.refresh_from_db()
    assert len(refused) == 1
    assert counts(job)["in_doubt"] == 0
    assert counts(job)["skipped"] in (0, 2)
    assert job.items.values("decided_by").distinct().count() == 1
    assert ledger.agrees(job)
