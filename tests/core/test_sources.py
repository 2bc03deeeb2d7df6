"""Items come in the same order each time, and a cursor divides them without loss."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from apps.core import sources
from apps.core.sources import source_of


@given(items=st.lists(st.text(max_size=3), max_size=50), cut=st.integers(0, 60))
def test_a_cursor_divides_a_list_into_what_was_and_what_comes(items: list[str], cut: int) -> None:
    cut = min(cut, len(items))
    source = source_of(items, None, None)

    rest = list(source.after(source.cursor(cut), cut)) if cut else list(source.after(None, 0))

    assert rest == items[cut:]


def test_a_queryset_is_read_in_pages_behind_its_last_key(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PAGE", 3)
    users = [User.objects.create_user(f"u{n}") for n in range(8)]

    for cut in range(9):
        source = source_of(User.objects.all(), "pk", None)
        first = [user for user, _ in zip(source.after(None, 0), range(cut), strict=False)]
        cursor = source.cursor(cut) if cut else None
        assert first + list(source.after(cursor, cut)) == users

    assert source.count() == 8


def test_the_cursor_of_the_page_before_is_still_known(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PAGE", 3)
    users = [User.objects.create_user(f"u{n}") for n in range(8)]
    source = source_of(User.objects.all(), "pk", None)
    given_out = source.after(None, 0)

    for position in range(1, 9):
        next(given_out)
        for known in range(max(1, position - 2), position + 1):
            assert source.cursor(known) == users[known - 1].pk


def test_rows_that_went_away_are_simply_not_given(db: None) -> None:
    gone = User.objects.create_user("gone")
    kept = User.objects.create_user("kept")
    keys = {str(gone.pk), str(kept.pk)}
    gone.delete()

    assert list(source_of(User.objects.all(), "pk", None).only(keys)) == [(str(kept.pk), kept)]


def test_a_generator_has_no_count_unless_it_is_given() -> None:
    assert source_of((n for n in range(3)), None, None).count() is None
    assert source_of((n for n in range(3)), None, 3).count() == 3


def test_a_queryset_needs_the_name_of_a_field_as_its_key(db: None) -> None:
    with pytest.raises(TypeError, match="name of a field"):
        source_of(User.objects.all(), lambda user: user.pk, None)
