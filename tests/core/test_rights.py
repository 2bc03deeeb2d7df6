"""Who may read no more: asked for all streams at once, with a few queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.core.live.rights import Pass, lost
from apps.core.models import SSEProgress

Login = Callable[[User], str]


@pytest.fixture
def login() -> Login:
    def log_in(user: User) -> str:
        client = Client()
        client.force_login(user)
        return client.cookies["sessionid"].value

    return log_in


@pytest.fixture
def held(alice: User, job: SSEProgress, login: Login) -> Pass:
    channels = (f"progress-{job.job_id}", f"jobs-{alice.pk}")
    return Pass(str(alice.pk), login(alice), channels)


def test_whoever_may_read_reads_on(held: Pass, bob: User, login: Login) -> None:
    other = Pass(str(bob.pk), login(bob), (f"jobs-{bob.pk}",))

    assert lost([held, other]) == {}


def test_staff_may_read_any_job(job: SSEProgress, staff: User, login: Login) -> None:
    assert lost([Pass(str(staff.pk), login(staff), (f"progress-{job.job_id}",))]) == {}


def test_a_session_that_has_ended_reads_no_more(held: Pass) -> None:
    client = Client()
    client.cookies["sessionid"] = str(held.session_key)
    client.post("/accounts/logout/")

    assert lost([held]) == {held: []}


def test_a_session_that_has_run_out_reads_no_more(held: Pass) -> None:
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    Session.objects.update(expire_date=timezone.now())

    assert lost([held]) == {held: []}


def test_a_changed_password_ends_the_other_sessions(held: Pass, alice: User) -> None:
    alice.set_password("another")
    alice.save()

    assert lost([held]) == {held: []}


def test_a_deactivated_user_reads_no_more(held: Pass, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert lost([held]) == {held: []}


def test_a_deleted_user_reads_no_more(held: Pass, alice: User, bob: User) -> None:
    SSEProgress.objects.update(user=bob)
    alice.delete()

    assert lost([held]) == {held: []}


def test_a_deleted_or_reassigned_job_is_read_no_more(
    held: Pass, job: SSEProgress, bob: User
) -> None:
    SSEProgress.objects.update(user=bob)
    assert lost([held]) == {held: [f"progress-{job.job_id}"]}

    SSEProgress.objects.all().delete()
    assert lost([held]) == {held: [f"progress-{job.job_id}"]}


def test_another_users_session_is_no_way_in(held: Pass, bob: User, login: Login) -> None:
    borrowed = Pass(held.user_id, login(bob), held.channels)

    assert lost([borrowed]) == {borrowed: []}


def test_a_thousand_streams_take_three_queries(
    held: Pass, alice: User, django_assert_num_queries: Any
) -> None:
    jobs = [SSEProgress(user=alice, task_type="x", job_id=f"job-{n}") for n in range(400)]
    SSEProgress.objects.bulk_create(jobs)
    many = [Pass(held.user_id, held.session_key, (f"progress-job-{n}",)) for n in range(400)]

    with django_assert_num_queries(3):
        assert lost([held, *many]) == {}


def test_other_session_engines_are_asked_one_by_one(
    alice: User, settings: Any, login: Login
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    held = Pass(str(alice.pk), login(alice), (f"jobs-{alice.pk}",))
    assert lost([held]) == {}

    gone = Pass(str(alice.pk), "x" * 32, (f"jobs-{alice.pk}",))
    assert lost([gone]) == {gone: []}


def test_a_channel_manager_of_a_projects_own_is_asked_channel_by_channel(
    held: Pass, settings: Any
) -> None:
    settings.EVENTSTREAM_CHANNELMANAGER_CLASS = (
        "django_eventstream.channelmanager.DefaultChannelManager"
    )

    assert lost([held]) == {}
