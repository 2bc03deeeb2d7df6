"""A cast."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password="alice")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", password="bob")


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_user("staff", password="staff", is_staff=True)


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def as_alice(alice: User) -> Client:
    return _client(alice)


@pytest.fixture
def as_bob(bob: User) -> Client:
    return _client(bob)


@pytest.fixture
def as_staff(staff: User) -> Client:
    return _client(staff)
