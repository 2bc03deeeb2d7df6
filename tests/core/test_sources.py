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
    everything = list(source_of(items, None, None).after(None))
    cursor = everything[cut - 1].after if 0 < cut <= len(everything) else None

    rest = list(source_of(items, None, None).after(cursor))

    assert [k.item for k in everything] == items
    assert everything[len(everything) - len(rest) :] == rest
    assert len(rest) == len(items) - (cut if cursor is not None else 0)


def test_a_queryset_is_read_in_pages_behind_its_last_key(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PAGE", 3)
    users = [User.objects.create_user(f"u{n}") for n in range(8)]

    source = source_of(User.objects.all(), "pk", None)
    first = [keyed for keyed, _ in zip(source.after(None), range(4), strict=False)]
    rest = list(source.after(first[-1].after))

    assert [k.item for k in first + rest] == users
    assert source.count() == 8


def test_rows_that_went_away_are_simply_not_given(db: None) -> None:
    gone = User.objects.create_user("gone")
    kept = User.objects.create_user("kept")
    keys = {str(gone.pk), str(kept.pk)}
    gone.delete()

    assert [k.item for k in source_of(User.objects.all(), "pk", None).only(keys)] == [kept]


def test_a_generator_has_no_count_unless_it_is_given() -> None:
    assert source_of((n for n in range(3)), None, None).count() is None
    assert source_of((n for n in range(3)), None, 3).count() == 3


def test_a_queryset_needs_the_name_of_a_field_as_its_key(db: None) -> None:
    with pytest.raises(TypeError, match="name of a field"):
        source_of(User.objects.all(), lambda user: user.pk, None)
