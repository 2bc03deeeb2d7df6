"""The bytes of an event are django-eventstream's, and nothing in a resume id can break it."""

from __future__ import annotations

from django_eventstream.utils import parse_last_event_id, sse_encode_event
from hypothesis import given
from hypothesis import strategies as st

from apps.core.live.event import (
    Event,
    clean,
    follows,
    id_of,
    is_before,
    parse_resume_id,
    resume_id,
    text_of,
)

LIFE = 7 << 32


@given(kind=st.text(), data=st.text())
def test_a_frame_is_what_django_eventstream_would_send(kind: str, data: str) -> None:
    event = Event(LIFE + 3, clean(kind).encode(), b"", data.encode())

    frame = event.message(b"progress-a")["body"]

    assert frame == sse_encode_event(kind, data, event_id=f"progress-a:{LIFE + 3}").encode()


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 2**62)))
def test_a_resume_id_comes_back_as_it_was(ids: dict[str, int]) -> None:
    assert parse_resume_id(resume_id(ids)) == ids or len(resume_id(ids)) > 4096


def test_a_resume_id_is_django_eventstreams() -> None:
    assert parse_last_event_id(resume_id({"progress-a": 5, "jobs-é": 7})) == {
        "progress-a": "5",
        "jobs-%C3%A9": "7",
    }


@given(st.text())
def test_any_text_can_be_read_as_a_resume_id(text: str) -> None:
    for place in parse_resume_id(text).values():
        assert place is None or place >= 0


@given(life=st.integers(0, 2**31), number=st.integers(0, 2**32 - 1))
def test_an_id_is_written_as_valkey_does(life: int, number: int) -> None:
    text = f"{life}-{number}"

    assert text_of(id_of(text.encode())) == text


def test_ids_of_another_life_are_neither_next_nor_known() -> None:
    other = 8 << 32

    assert follows(LIFE + 3, LIFE + 2)
    assert follows(other + 1, LIFE)  # number 0: there has been no event before
    assert follows(other + 1, 0)
    assert not follows(other + 3, LIFE + 2)
    assert not follows(other + 1, LIFE + 2)
    assert is_before(LIFE + 2, LIFE + 2)
    assert not is_before(LIFE + 2, other + 9)
