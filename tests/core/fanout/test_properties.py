"""A shared-out job's books are right whatever people, dying workers and the scheduler do to it.

Real attempts at the whole and at its parts run through the real runner. At each point of a part's
loop a script may kill it, interrupt it, let another worker overtake it, or let somebody ask the
whole for something. A killed attempt writes nothing any more, as if the process were gone; one may
also die when its last write is made and before anybody sums up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from apps.core import decisions, fanout, parts, shutdown, verbs
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
from apps.core.sums import Sums
from apps.core.tracker import ProgressTracker
from tests.core.fanout.bench import count_all, fresh, parts_of
from workers.upkeep import settle_stale_jobs

pytestmark = pytest.mark.django_db(transaction=True)

PARTS, SIZE = 3, 3
ITEMS = PARTS * SIZE
ENDS = ["ok", "ok", "ok", "fail", "skip", "doubt", "error"]
EVENTS = ["go", "go", "go", "kill", "interrupt", "overtake", "double", "cancel", "pause", "stop"]
#: What may befall the attempt that shares the job out: it dies in one of two functions, or not.
SHARING = ["well", "well", "create", "sum_up", "cancel", "pause"]
#: What may happen before a message comes.
DEEDS = (
    *("nothing", "time", "time", "tick", "wear out"),
    *("cancel", "pause", "resume", "resume", "retry", "retry", *Decision.values),
)


class Killed(BaseException):
    """Stands for SIGKILL."""


class Interrupted(BaseException):
    """Stands for what Dramatiq raises in a thread whose time is over."""


class Morgue:
    """Attempts that are dead, as (job, epoch): whatever they still try to write fails."""

    def __init__(self) -> None:
        self.dead: set[tuple[str, int]] = set()
        #: Whether nobody sums up: who ended the part died right then.
        self.nobody_sums_up = False

    def check(self, job_id: str, epoch: int | None) -> None:
        if (job_id, epoch) in self.dead:
            raise Killed


class Whole(RuleBasedStateMachine):
    """One job in three parts, and everything that happens to it."""

    def __init__(self, morgue: Morgue, user: User) -> None:
        super().__init__()
        self.morgue = morgue
        self.user = user
        morgue.dead.clear()
        #: What has left the house and can't be called back.
        self.world: Counter[int] = Counter()
        self.decided_again: Counter[int] = Counter()
        self.script: list[str] = []
        self.nested = False
        #: Whether the sums may be behind until the scheduler looks.
        self.behind = False

    @initialize(
        ends=st.lists(st.sampled_from(ENDS), min_size=ITEMS, max_size=ITEMS),
        sharing=st.sampled_from(SHARING),
    )
    def begin(self, ends: list[str], sharing: str) -> None:
        self.ends = dict(enumerate(ends, start=1))
        self.job = count_all.start_for(self.user, number=PARTS, size=SIZE)
        self.share_out(sharing)

    # The actors ------------------------------------------------------------------------------

    def count(self, progress: ProgressTracker, first: int, last: int) -> None:
        for n in progress.track(range(first, last + 1), key=str):
            self.point(progress)
            with progress.item(n, ref=f"No {n}", irreversible=True):
                self.point(progress)
                if self.ends[n] in ("fail", "skip"):
                    raise ItemFailed("no") if self.ends[n] == "fail" else ItemSkipped("no need")
                self.world[n] += 1
                self.point(progress)
                if self.ends[n] == "doubt":
                    raise ItemInDoubt("no answer")
                if self.ends[n] == "error":
                    raise ValueError("who knows")

    def point(self, progress: ProgressTracker) -> None:
        if self.nested or not self.script:
            return
        event = self.script.pop(0)
        part = progress._job
        if event == "kill":
            self.morgue.dead.add((part.job_id, part.epoch))
            raise Killed
        if event == "interrupt":
            raise Interrupted
        if event == "overtake":
            self.silence()
            settle_stale_jobs()
            self.undisturbed(part)
        elif event == "double":
            self.undisturbed(part)
            self.undisturbed(self.job)
        elif event in ("cancel", "pause"):
            self.ask(event)
        elif event == "stop":
            shutdown.stopping.set()

    def attempt(self, job: SSEProgress) -> None:
        """Do what a worker does with a message about the whole or a part."""
        if job.parent_id is None:
            run(job.job_id, count_all.fn)
        else:
            run(job.job_id, self.count, None)

    def undisturbed(self, job: SSEProgress) -> None:
        """Let another worker do it, while this one's script waits."""
        before, stopping = self.nested, shutdown.stopping.is_set()
        self.nested = True
        shutdown.stopping.clear()
        try:
            self.attempt(job)
        finally:
            self.nested = before
            if stopping:
                shutdown.stopping.set()

    # The rules -------------------------------------------------------------------------------

    @rule(
        before=st.sampled_from(DEEDS),
        number=st.integers(0, PARTS - 1),
        script=st.lists(st.sampled_from(EVENTS), max_size=12),
        nobody_sums_up=st.booleans(),
    )
    def message(self, before: str, number: int, script: list[str], nobody_sums_up: bool) -> None:
        """A worker gets a part's message, and the script is what happens to it."""
        self.do(before)
        made = parts_of(self.job)
        if not made:
            self.share_out("well")
            return
        self.script = list(script)
        self.morgue.nobody_sums_up = nobody_sums_up
        self.behind = self.behind or nobody_sums_up
        try:
            with suppress(Killed, Interrupted):
                self.attempt(made[number])
        finally:
            self.morgue.nobody_sums_up = False
            shutdown.stopping.clear()
            self.script = []

    def do(self, deed: str) -> None:
        """Do what brings a job that stands still back to life, or something else."""
        if deed in verbs.VERBS:
            self.ask(deed)
        elif deed in Decision.values:
            self.decide(Decision(deed))
        elif deed == "time":
            self.silence()
            self.tick()
        elif deed == "tick":
            self.tick()
        elif deed == "wear out":
            SSEProgress.objects.filter(parent=self.job).update(attempts=conf.MAX_ATTEMPTS)
        self.check()

    def share_out(self, how: str) -> None:
        """Let a worker take the whole up, and perhaps die over it."""
        with pytest.MonkeyPatch.context() as patch:
            if how in ("create", "sum_up"):
                owner: Any = parts if how == "create" else fanout
                patch.setattr(owner, how, self.dying(getattr(owner, how)))
            elif how in verbs.VERBS:
                self.ask(how)
            with suppress(Killed):
                self.attempt(self.job)
        self.silence()
        self.tick()

    def dying(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def die(*args: Any, **kwargs: Any) -> Any:
            real(*args, **kwargs)
            # The transaction under way has raised the epoch, and is rolled back.
            self.morgue.dead.add((self.job.job_id, self.row.epoch - 1))
            raise Killed

        return die

    def ask(self, verb: str) -> None:
        row = self.row
        offered = verb in verbs.possible(row)
        try:
            verbs.VERBS[verb](row)
        except NotPossibleNowError:
            assert not offered

    def decide(self, decision: Decision) -> None:
        doubtful = [int(line.key) for line in self.lines(Outcome.IN_DOUBT)]
        try:
            decisions.decide(self.row, decision, self.user)
        except (NotInDoubtError, NotPossibleNowError):
            return
        if decision == Decision.AGAIN:
            self.decided_again.update(doubtful)

    def tick(self) -> None:
        settle_stale_jobs()
        # What that has moved is told by its own events.
        settle_stale_jobs()
        self.behind = False

    @rule(number=st.integers(1, ITEMS), end=st.sampled_from(ENDS))
    def change_of_luck(self, number: int, end: str) -> None:
        self.ends[number] = end

    def silence(self) -> None:
        SSEProgress.objects.filter(lease_until__isnull=False).update(
            lease_until=self.job.created_at
        )

    # What must hold ----------------------------------------------------------------------------

    @property
    def row(self) -> SSEProgress:
        return fresh(self.job)

    def lines(self, *outcomes: Outcome) -> list[JobItem]:
        return list(JobItem.objects.filter(job__parent=self.job, outcome__in=outcomes))

    @invariant()
    def there_are_all_parts_or_none(self) -> None:
        made = parts_of(self.job)
        assert [part.part for part in made] in ([], [1, 2, 3])
        assert self.row.fanned_out == bool(made)

    @invariant()
    def the_books_of_each_part_are_right(self) -> None:
        for part in parts_of(self.job):
            assert agrees(part)
            assert part.books.total in (None, SIZE)
            assert part.status != Status.COMPLETED or part.books.closed

    @invariant()
    def the_whole_is_the_sum_of_its_parts(self) -> None:
        job = self.row
        if not job.fanned_out:
            return
        books, sums = job.books, Sums.of(job)
        if not self.behind or job.status not in LEASED:
            assert books == sums.books
        assert books.total == ITEMS
        assert books.left is not None
        assert books.processed + books.left == ITEMS

    @invariant()
    def nobody_works_on_what_is_over(self) -> None:
        job = self.row
        if job.fanned_out and job.status in TERMINAL | {Status.PAUSED}:
            resting = TERMINAL | {Status.PAUSED}
            assert {part.status for part in parts_of(self.job)} <= resting
        assert job.status != Status.COMPLETED or job.books.closed
        assert not (job.fanned_out and job.lease_until)

    @invariant()
    def a_wish_has_reached_every_part(self) -> None:
        job = self.row
        if job.fanned_out and job.status in (Status.PAUSING, Status.CANCELLING):
            states = {part.status for part in parts_of(self.job)}
            assert states <= {job.status, Status.PAUSED, *TERMINAL}

    @invariant()
    def nothing_has_left_twice(self) -> None:
        done: set[int] = set()
        for part in parts_of(self.job):
            cursor = part.cursor.get("1", {})
            first = part.args["kwargs"]["first"]
            passed = set(range(first, first + cursor.get("passed", 0)))
            others = set(Outcome) - {Outcome.DONE}
            done |= passed - {int(line.key) for line in part.items.all() if line.outcome in others}
        for n, times in self.world.items():
            assert times <= 1 + self.decided_again[n]
        marked = {int(line.key) for line in self.lines(Outcome.DONE)}
        assert done - marked <= self.world.keys()

    def check(self) -> None:
        """Look at everything between two deeds of one step too."""
        self.there_are_all_parts_or_none()
        self.the_books_of_each_part_are_right()
        self.the_whole_is_the_sum_of_its_parts()
        self.nobody_works_on_what_is_over()
        self.a_wish_has_reached_every_part()
        self.nothing_has_left_twice()

    def teardown(self) -> None:
        if not hasattr(self, "job"):
            return
        self.it_comes_to_an_end()
        SSEProgress.objects.filter(parent__isnull=False).delete()
        SSEProgress.objects.all().delete()

    def it_comes_to_an_end(self) -> None:
        """Left alone with healthy workers, the job ends, and its books are closed."""
        self.ends = dict.fromkeys(self.ends, "ok")
        for verb in ("resume", "retry", "resume", "retry"):
            SSEProgress.objects.all().update(attempts=0)
            self.silence()
            self.tick()
            self.ask(verb)
            for job in (self.job, *parts_of(self.job)):
                self.undisturbed(job)
            for part in parts_of(self.job):
                self.undisturbed(part)
        self.tick()
        job = self.row
        assert (job.status, job.books.closed, job.books.failed) == (Status.COMPLETED, True, 0)
        self.nothing_has_left_twice()
        self.the_whole_is_the_sum_of_its_parts()


@pytest.fixture
def morgue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Morgue]:
    """Make the database refuse what the dead still write."""
    morgue = Morgue()
    write, move = SSEProgressQuerySet.write, SSEProgressQuerySet.move
    part_changed = fanout.summing.part_changed

    def guarded_write(self: Any, job_id: str, epoch: int, **values: Any) -> Any:
        morgue.check(job_id, epoch)
        return write(self, job_id, epoch, **values)

    def guarded_move(self: Any, job_id: str, *args: Any, **values: Any) -> Any:
        if "only_from" in values and values.get("epoch") is not None:
            morgue.check(job_id, values["epoch"])
        return move(self, job_id, *args, **values)

    monkeypatch.setattr(SSEProgressQuerySet, "write", guarded_write)
    monkeypatch.setattr(SSEProgressQuerySet, "move", guarded_move)
    monkeypatch.setattr(
        fanout.summing,
        "part_changed",
        lambda part: None if morgue.nobody_sums_up else part_changed(part),
    )
    yield morgue
    shutdown.stopping.clear()


def test_nothing_is_lost_and_nothing_done_twice_in_parts(morgue: Morgue, alice: User) -> None:
    profile = settings(
        max_examples=15,
        stateful_step_count=8,
        phases=(Phase.explicit, Phase.generate),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(lambda: Whole(morgue, alice), settings=profile)  # type: ignore[arg-type]
