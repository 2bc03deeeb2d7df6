"""Times are the database's own, and read as Django reads them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from apps.core.clock import FromNow
from apps.core.models import SSEProgress
from apps.core.statuses import Status

pytestmark = pytest.mark.django_db

#: SQLite tells the time to the millisecond.
A_MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize("seconds", [90, 0.25, 0, -1.5, -90 * 86_400])
def test_a_time_is_so_many_seconds_from_the_databases_now(seconds: float) -> None:
    job = SSEProgress.objects.create(task_type="x")

    SSEProgress.objects.filter(pk=job.pk).update(
        updated_at=Now(), lease_until=FromNow(seconds), not_before=FromNow(seconds + 3)
    )

    job.refresh_from_db()
    assert job.lease_until is not None
    assert job.not_before is not None
    assert abs(job.lease_until - job.updated_at - timedelta(seconds=seconds)) < A_MOMENT
    assert abs(job.not_before - job.lease_until - timedelta(seconds=3)) < A_MOMENT
    assert SSEProgress.objects.filter(lease_until__lt=FromNow(seconds + 1)).exists()
    assert not SSEProgress.objects.filter(lease_until__lt=FromNow(seconds - 1)).exists()


def test_what_a_move_answers_with_is_the_row_as_django_reads_it(admin_user: User) -> None:
    made = SSEProgress.objects.create(
        task_type="x", user=admin_user, actor="a", title_params={"of": "é"}, metadata={"n": [1]}
    )

    claimed = SSEProgress.objects.claim(made.job_id, "worker")
    paused = SSEProgress.objects.move(made.job_id, Status.PAUSING, message="…")

    read = SSEProgress.objects.get(pk=made.pk)
    assert paused is not None
    for field in SSEProgress._meta.concrete_fields:
        assert getattr(paused, field.attname) == getattr(read, field.attname), field.name
    assert claimed is not None
    assert (claimed.created_at, claimed.lease_until) == (made.created_at, read.lease_until)
