"""A cast for the EDI desk."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.edi.factories import make_user


@pytest.fixture(autouse=True)
def _own_media(settings: Settings, tmp_path: Path) -> None:
    """Keep what tests upload where pytest cleans up."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice")


@pytest.fixture
def as_alice(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def as_bob(db: None) -> Client:
    client = Client()
    client.force_login(make_user("bob"))
    return client


@pytest.fixture
def as_staff(db: None) -> Client:
    client = Client()
    client.force_login(make_user("staff", is_staff=True))
    return client
