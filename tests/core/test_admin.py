"""The admin shows jobs and steers them, and lets nobody edit a fact."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from apps.core import admin as core_admin
from apps.core.models import SSEProgress
from apps.core.statuses import Status

LIST = "/admin/core/sseprogress/"


def post(client: Client, action: str, *jobs: SSEProgress) -> str:
    fields = {"action": action, "_selected_action": [job.pk for job in jobs]}
    client.cookies["django_language"] = "en"
    answer = client.post(LIST, fields, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def make(user: User, status: Status) -> SSEProgress:
    return SSEProgress.objects.create(
        user=user, task_type="t", title="Night run", actor="x", queue="default", status=status
    )


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("cancel_jobs", Status.RUNNING, Status.CANCELLING),
        ("pause_jobs", Status.RUNNING, Status.PAUSING),
        ("resume_jobs", Status.PAUSED, Status.PENDING),
        ("retry_jobs", Status.FAILED, Status.PENDING),
    ],
)
def test_each_verb_is_an_action(
    admin_client: Client, alice: User, *, action: str, before: Status, after: Status
) -> None:
    jobs = [make(alice, before), make(alice, before)]

    html = post(admin_client, action, *jobs)

    assert {job.status for job in SSEProgress.objects.all()} == {after}
    assert "Passed on to 2 jobs." in html


def test_jobs_for_which_it_is_not_possible_are_named_and_the_others_obey(
    admin_client: Client, alice: User
) -> None:
    running, over = make(alice, Status.RUNNING), make(alice, Status.COMPLETED)

    html = post(admin_client, "cancel_jobs", running, over)

    running.refresh_from_db()
    over.refresh_from_db()
    assert (running.status, over.status) == (Status.CANCELLING, Status.COMPLETED)
    assert "Passed on to 1 job." in html
    assert f"Not possible now for “Night run” ({over.job_id[:8]})" in html


def test_very_many_refusals_are_summed_up(
    admin_client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_admin, "REFUSALS_SHOWN", 1)
    jobs = [make(alice, Status.COMPLETED) for _ in range(3)]

    html = post(admin_client, "pause_jobs", *jobs)

    assert html.count("Not possible now") == 1
    assert "Nor for 2 other jobs." in html


def test_staff_without_the_right_to_see_jobs_cannot_steer_them(
    client: Client, staff: User, alice: User
) -> None:
    job = make(alice, Status.RUNNING)
    client.force_login(staff)

    answer = client.post(LIST, {"action": "cancel_jobs", "_selected_action": [job.pk]})

    job.refresh_from_db()
    assert answer.status_code == 403
    assert job.status == Status.RUNNING


def test_staff_with_the_right_to_see_jobs_can(client: Client, staff: User, alice: User) -> None:
    staff.user_permissions.add(Permission.objects.get(codename="view_sseprogress"))
    job = make(alice, Status.RUNNING)
    client.force_login(staff)

    post(client, "cancel_jobs", job)

    job.refresh_from_db()
    assert job.status == Status.CANCELLING


def test_facts_are_read_only_even_for_a_superuser(admin_client: Client, alice: User) -> None:
    job = make(alice, Status.RUNNING)

    html = admin_client.get(f"{LIST}{job.pk}/change/").content.decode()
    answer = admin_client.post(f"{LIST}{job.pk}/change/", {"status": "completed"})

    job.refresh_from_db()
    assert "Night run" in html
    assert 'name="status"' not in html
    assert answer.status_code == 403
    assert job.status == Status.RUNNING
