"""The navigation knows where the reader is."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import reverse
from pytest_django import Settings

from apps.core.models import SSEProgress
from apps.core.statuses import Status
from heron.context import NavItem, Reader, frame

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return User.objects.create_user("ines.faure", is_staff=True)


def request_for(user: User | AnonymousUser, path: str = "/") -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = user
    return request


def items_for(user: User, path: str = "/") -> dict[str, NavItem]:
    items = frame(request_for(user, path))["nav_items"]
    assert isinstance(items, list)
    return {item.url: item for item in items}


def test_a_stranger_gets_no_navigation() -> None:
    assert frame(request_for(AnonymousUser())) == {}


def test_an_error_before_the_login_is_known_still_has_a_page() -> None:
    assert frame(RequestFactory().get("/")) == {}


def test_initials_come_from_the_user_name_where_there_is_no_other(staff: User) -> None:
    assert frame(request_for(staff))["reader"] == Reader(name="ines.faure", initials="IF")


def test_the_page_below_an_entry_keeps_that_entry_current(staff: User) -> None:
    jobs = reverse("core:jobs")

    items = items_for(staff, jobs + "123/")

    assert items[jobs].is_current
    assert not items[jobs].is_page


def test_only_the_nearest_of_two_nested_entries_is_current(staff: User, settings: Settings) -> None:
    settings.HERON_MAILBOX_DIR = "somewhere"
    mailbox = reverse("invoices:mailbox")

    items = items_for(staff, mailbox)

    assert [url for url, item in items.items() if item.is_current] == [mailbox]


def test_running_jobs_are_counted_beside_their_entry() -> None:
    karim = User.objects.create_user("karim")
    other = User.objects.create_user("other")
    for user, status in (
        (karim, Status.RUNNING),
        (karim, Status.CANCELLING),
        (karim, Status.COMPLETED),
        (other, Status.RUNNING),
    ):
        SSEProgress.objects.create(user=user, task_type="x", status=status)

    assert items_for(karim)[reverse("core:jobs")].count == 2
