"""Every pair of states is either an arrow of the table or refused by the database write."""

from __future__ import annotations

import itertools

import pytest

from apps.core.models import SSEProgress
from apps.core.statuses import LEASED, TERMINAL, TRANSITIONS, Status

PAIRS = list(itertools.product(Status, Status))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_move_succeeds_exactly_along_the_table(
    plain_job: SSEProgress, source: Status, target: Status
) -> None:
    SSEProgress.objects.filter(pk=plain_job.pk).update(status=source)

    moved = SSEProgress.objects.move(plain_job.job_id, target)

    plain_job.refresh_from_db()
    assert (moved is not None) == ((source, target) in TRANSITIONS)
    assert plain_job.status == (target if moved else source)


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_job_that_is_over_only_goes_back_to_the_queue(status: Status) -> None:
    assert {target for source, target in TRANSITIONS if source == status} == {Status.PENDING}


def test_every_state_can_be_reached_and_every_leased_one_can_end() -> None:
    reached = {target for _, target in TRANSITIONS}

    assert reached == set(Status)
    for status in LEASED:
        assert any((status, end) in TRANSITIONS for end in TERMINAL)


def test_a_move_with_an_old_epoch_changes_nothing(plain_job: SSEProgress) -> None:
    SSEProgress.objects.filter(pk=plain_job.pk).update(status=Status.RUNNING, epoch=2)

    assert SSEProgress.objects.move(plain_job.job_id, Status.COMPLETED, epoch=1) is None

    plain_job.refresh_from_db()
    assert plain_job.status == Status.RUNNING
