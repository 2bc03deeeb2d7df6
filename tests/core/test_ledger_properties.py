"""The books are right and each effect is there once, whatever kills or overtakes an attempt.

A real actor runs through the real runner. At each point of its loop a script may kill it, freeze it
while another worker takes the job over, double its message, or let somebody cancel, pause, resume,
retry or decide. A killed attempt writes nothing any more, as if the process were gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from apps.core import decisions, shutdown, verbs
from apps.core.conf import conf
from apps.core.errors import (
    ItemFailed,
    ItemInDoubt,
    ItemSkipped,
    NotInDoubtError,
    NotPossibleNowError,
)
from apps.core.ledger import agrees
from apps.core.models import Decision, JobItem, Outcome, SSEProgress, SSEProgressQuerySet
from apps.core.runner import run
from apps.core.statuses import LEASED, TERMINAL, Status
from apps.core.tracker import ProgressTracker
from workers.upkeep import settle_stale_jobs

ITEMS = 6
ENDS = ["ok", "ok", "ok", "fail", "skip", "doubt", "error"]
#: What may happen at one point of an attempt.
EVENTS = [
    *("go", "go", "go", "kill", "interrupt", "overtake", "claim", "double"),
    *("cancel", "pause", "shutdown"),
]
#: What may happen before a message comes.
DEEDS = (
    *("nothing", "silence", "silence", "tick", "tick", "wear out"),
    *("cancel", "resume", "resume", "retry", "retry", *Decision.values),
)
#: What may happen while the attempt has a transaction open: other connections would have to wait.
EVENTS_INSIDE = {"go", "kill", "interrupt"}


class Killed(BaseException):
    """Stands for SIGKILL."""


class Interrupted(BaseException):
    """Stands for what Dramatiq raises in a thread whose time is over."""


class Morgue:
    """Attempts that are dead: whatever they still try to write fails."""

    def __init__(self) -> None:
        self.epochs: set[int] = set()

    def check(self, epoch: int | None) -> None:
        if epoch in self.epochs:
            raise Killed


class Job(RuleBasedStateMachine):
    """One job and everything that happens to it."""

    def __init__(self, morgue: Morgue, user: User) -> None:
        super().__init__()
        self.morgue = morgue
        self.user = user
        morgue.epochs.clear()
        #: What has left the house and can't be called back.
        self.world: Counter[str] = Counter()
        self.decided_again: Counter[str] = Counter()
        self.ends: dict[str, str] = {}
        self.script: list[str] = []
        self.nested = False

    @initialize(
        irreversible=st.booleans(),
        rows=st.booleans(),
        ends=st.lists(st.sampled_from(ENDS), min_size=ITEMS, max_size=ITEMS),
    )
    def begin(self, irreversible: bool, rows: bool, ends: list[str]) -> None:
        self.irreversible = irreversible
        groups = [Group.objects.create(name=f"item-{n}") for n in range(ITEMS)] if rows else []
        self.keys = [str(group.pk) for group in groups] or [str(n) for n in range(1, ITEMS + 1)]
        self.rows = rows
        self.ends = dict(zip(self.keys, ends, strict=True))
        self.job = SSEProgress.objects.create(
            task_type="props", actor="tests.props", queue="default"
        )

    # The actor -----------------------------------------------------------------------------

    def items(self) -> Iterable[Any]:
        return Group.objects.filter(name__startswith="item-") if self.rows else self.keys

    def work(self, progress: ProgressTracker) -> None:
        key = "pk" if self.rows else str
        for item in progress.track(self.items(), key=key):
            name = str(item.pk) if isinstance(item, Group) else item
            self.point(progress)
            with progress.item(item, ref=name, irreversible=self.irreversible):
                self.point(progress, inside=not self.irreversible)
                self.settle(name)
                self.point(progress, inside=not self.irreversible)

    def settle(self, name: str) -> None:
        end = self.ends[name]
        if self.irreversible and end in ("fail", "skip"):
            # Its author knows that nothing has left.
            raise ItemFailed("no") if end == "fail" else ItemSkipped("not needed")
        self.effect(name)
        if end == "fail":
            raise ItemFailed("no")
        if end == "doubt":
            raise ItemInDoubt("no answer")
        if end == "error":
            raise ValueError("who knows")
        if end == "skip":
            # Skipped takes nothing back, so a right author writes nothing before.
            SSEProgress.objects.filter(parent=self.job, title=name).delete()
            raise ItemSkipped("not needed")

    def effect(self, name: str) -> None:
        if self.irreversible:
            self.world[name] += 1
        else:
            # Any table without a constraint would do; this one is there.
            SSEProgress.objects.create(
                task_type="effect", parent=self.job, title=name, status=Status.COMPLETED
            )

    def effects(self) -> Counter[str]:
        if self.irreversible:
            return +self.world
        rows = SSEProgress.objects.filter(parent=self.job)
        return Counter(rows.values_list("title", flat=True))

    # What happens at a point of it ------------------------------------------------------------

    def point(self, progress: ProgressTracker, *, inside: bool = False) -> None:
        if self.nested or not self.script:
            return
        # The attempt that holds a batch open holds everybody else up; see the docstring above.
        inside = inside or progress._settlement.batch.is_open
        event = self.script[0]
        if inside and event not in EVENTS_INSIDE:
            return
        self.script.pop(0)
        if event == "kill":
            self.morgue.epochs.add(progress._job.epoch)
            raise Killed
        if event == "interrupt":
            raise Interrupted
        if event == "overtake":
            self.silence()
            settle_stale_jobs()
            self.attempt_undisturbed()
        elif event == "claim":
            # The other one has not come far yet when this one wakes up.
            self.silence()
            SSEProgress.objects.claim(self.job.pk, "another")
        elif event == "double":
            before = self.row.epoch
            self.attempt_undisturbed()
            assert self.row.status not in LEASED or self.row.epoch == before
        elif event in ("cancel", "pause"):
            self.ask(event)
        elif event == "shutdown":
            shutdown.stopping.set()

    def attempt_undisturbed(self) -> None:
        self.nested = True
        stopping = shutdown.stopping.is_set()
        shutdown.stopping.clear()
        try:
            run(self.job.pk, self.work, None)
        finally:
            self.nested = False
            if stopping:
                shutdown.stopping.set()

    # The rules -----------------------------------------------------------------------------

    @rule(
        before=st.sampled_from(DEEDS),
        script=st.lists(st.sampled_from(EVENTS), min_size=4, max_size=16),
    )
    def message(self, before: str, script: list[str]) -> None:
        """A worker gets a message, and the script is what happens to it."""
        self.do(before)
        self.script = list(script)
        try:
            run(self.job.pk, self.work, None)
        except (Killed, Interrupted):
            pass
        finally:
            shutdown.stopping.clear()
            self.script = []

    def do(self, deed: str) -> None:
        """Do what brings a job that stands still back to life, or something else."""
        if deed in verbs.VERBS:
            self.ask(deed)
        elif deed in Decision.values:
            self.decide(Decision(deed))
        elif deed == "tick":
            self.silence()
            settle_stale_jobs()
        elif deed == "silence":
            self.silence()
        elif deed == "wear out":
            self.silence()
            SSEProgress.objects.filter(pk=self.job.pk).update(attempts=conf.MAX_ATTEMPTS)
        self.the_books_are_right()
        self.what_is_over_has_nothing_under_way()
        self.each_effect_is_there_once()

    def ask(self, verb: str) -> None:
        try:
            with transaction.atomic():
                verbs.VERBS[verb](self.row)
        except NotPossibleNowError:
            return

    def decide(self, decision: Decision) -> None:
        doubtful = [line.key for line in self.lines(Outcome.IN_DOUBT)]
        try:
            decisions.decide(self.row, decision, self.user)
        except (NotInDoubtError, NotPossibleNowError):
            return
        if decision == Decision.AGAIN:
            self.decided_again.update(doubtful)

    def silence(self) -> None:
        """Every lease runs out."""
        SSEProgress.objects.filter(pk=self.job.pk, lease_until__isnull=False).update(
            lease_until=self.job.created_at
        )

    @rule(end=st.sampled_from(ENDS), index=st.integers(0, ITEMS - 1))
    def change_of_luck(self, end: str, index: int) -> None:
        self.ends[self.keys[index]] = end

    # What must hold ---------------------------------------------------------------------------

    @property
    def row(self) -> SSEProgress:
        return SSEProgress.objects.get(pk=self.job.pk)

    def lines(self, *outcomes: Outcome) -> list[JobItem]:
        return list(JobItem.objects.filter(job=self.job, outcome__in=outcomes))

    def done(self) -> set[str]:
        """Name the done items: before the cursor, and not otherwise in the ledger."""
        passed = self.row.cursor.get("1", {}).get("passed", 0)
        others = {line.key for line in self.lines(*(set(Outcome) - {Outcome.DONE}))}
        return set(self.keys[:passed]) - others

    @invariant()
    def the_books_are_right(self) -> None:
        job = self.row
        books = job.books
        assert agrees(job)
        assert len(self.done()) == books.done
        if books.total is not None:
            assert books.total == ITEMS
            assert books.left is not None
            assert books.processed + books.left == ITEMS
        assert job.status != Status.COMPLETED or books.closed

    @invariant()
    def what_is_over_has_nothing_under_way(self) -> None:
        job = self.row
        if job.status in TERMINAL or job.status == Status.PAUSED:
            assert self.reserved() is None

    @invariant()
    def each_effect_is_there_once(self) -> None:
        effects, done = self.effects(), self.done()
        if not self.irreversible:
            assert effects == Counter(done - self.marked_as_done())
            return
        for name, times in effects.items():
            assert times <= 1 + self.decided_again[name]
            if name not in done:
                assert name in self.known_of() or name == self.reserved()
        assert done - self.marked_as_done() <= effects.keys()

    def marked_as_done(self) -> set[str]:
        return {line.key for line in self.lines(Outcome.DONE)}

    def known_of(self) -> set[str]:
        """Name the items that are in doubt, or that somebody has decided about."""
        lines = JobItem.objects.filter(job=self.job)
        return {line.key for line in lines if line.outcome == Outcome.IN_DOUBT or line.decision}

    def reserved(self) -> str | None:
        found: dict[str, str] | None = self.row.cursor.get("1", {}).get("reserved")
        return found["key"] if found else None

    def teardown(self) -> None:
        if not hasattr(self, "job"):
            return
        self.it_comes_to_an_end()
        SSEProgress.objects.all().delete()
        Group.objects.all().delete()

    def it_comes_to_an_end(self) -> None:
        """Left alone with healthy workers, every job ends, and its books are closed."""
        self.ends = dict.fromkeys(self.keys, "ok")
        SSEProgress.objects.filter(pk=self.job.pk).update(attempts=0)
        for verb in ("resume", "retry", "resume"):
            self.silence()
            settle_stale_jobs()
            self.ask(verb)
            self.attempt_undisturbed()
        self.the_books_are_right()
        self.each_effect_is_there_once()
        job = self.row
        assert job.status == Status.COMPLETED
        assert job.books.closed
        assert job.books.failed == 0


@pytest.fixture
def morgue(monkeypatch: pytest.MonkeyPatch) -> Morgue:
    """Make the database refuse what the dead still write."""
    morgue = Morgue()
    write, move = SSEProgressQuerySet.write, SSEProgressQuerySet.move

    def guarded_write(self: Any, job_id: str, epoch: int, **values: Any) -> Any:
        morgue.check(epoch)
        return write(self, job_id, epoch, **values)

    def guarded_move(self: Any, *args: Any, **values: Any) -> Any:
        if "only_from" in values and values.get("epoch") is not None:
            morgue.check(values["epoch"])
        return move(self, *args, **values)

    monkeypatch.setattr(SSEProgressQuerySet, "write", guarded_write)
    monkeypatch.setattr(SSEProgressQuerySet, "move", guarded_move)
    return morgue


@pytest.fixture(params=[0, 1000], ids=["committed at once", "in one batch"])
def flush_seconds(request: pytest.FixtureRequest, settings: Any) -> float:
    settings.PROGRESS_FLUSH_SECONDS = request.param
    settings.PROGRESS_MAX_ATTEMPTS = 1000
    return float(request.param)


@pytest.mark.usefixtures("flush_seconds")
def test_nothing_is_lost_and_nothing_done_twice(morgue: Morgue, alice: User) -> None:
    profile = settings(
        max_examples=40,
        stateful_step_count=8,
        phases=(Phase.explicit, Phase.generate),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(lambda: Job(morgue, alice), settings=profile)  # type: ignore[arg-type]

    assert not connection.needs_rollback
