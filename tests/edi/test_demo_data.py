"""The generator: the same plan gives the same bytes, wrong in the chosen ways only."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from apps.edi.demo_data import Flaw, Plan, write
from apps.edi.demo_data.plan import BUYER, SUPPLIER
from apps.edi.mapping import draft_of
from apps.edi.mapping.values import has_right_check_digit
from apps.edi.reader import Message, Unreadable, read
from tests.edi.reading import expected, reading_of


@pytest.mark.parametrize("standard", ["edifact", "x12"])
def test_the_same_plan_gives_the_same_bytes_with_nothing_wrong(standard: str) -> None:
    plan = Plan(standard=standard, messages=5)

    data = write(plan)

    assert data == write(plan)
    assert data != write(Plan(standard=standard, messages=5, seed=2))
    messages = [event for event in read([data]) if isinstance(event, Message)]
    assert len(messages) == 5
    for message in messages:
        draft = draft_of(message)
        assert draft is not None
        assert (message.faults, draft.findings, len(draft.lines)) == ([], [], 15)


@pytest.mark.parametrize(
    ("flaw", "reading"),
    [
        (Flaw.COUNT, "20 messages, 3 faulty, codes 29"),
        (Flaw.REFERENCE, "20 messages, 3 faulty, codes 28"),
        (Flaw.TRAILER, "20 messages, 3 faulty, codes 13"),
        (Flaw.TOTAL, "20 messages, 0 faulty, codes 29"),
        (Flaw.CONTROL, "20 messages, 0 faulty, codes 28"),
    ],
)
def test_a_flaw_is_there_as_often_as_planned(flaw: Flaw, reading: str) -> None:
    assert reading_of([write(Plan(messages=20, flaws=(flaw,), bad=3))]) == expected(reading)


@pytest.mark.parametrize("flaw", [Flaw.QUANTITY, Flaw.DATE, Flaw.NUMBER])
@pytest.mark.parametrize("standard", ["edifact", "x12"])
def test_flaws_of_the_content_refuse_so_many_documents(flaw: Flaw, standard: str) -> None:
    data = write(Plan(standard=standard, messages=20, flaws=(flaw,), bad=3))

    drafts = [draft_of(event) for event in read([data]) if isinstance(event, Message)]

    assert sum(bool(draft and draft.refusals) for draft in drafts) == 3


def test_a_cut_file_is_cut() -> None:
    with pytest.raises(Unreadable):
        list(read([write(Plan(messages=5, flaws=(Flaw.CUT,)))]))


def test_the_numbers_are_right_and_nobodys() -> None:
    for number in (BUYER, SUPPLIER):
        assert has_right_check_digit(number)
        assert number.startswith("2")


def test_the_commands_write_and_check_a_file(tmp_path: Path) -> None:
    path, said = tmp_path / "x.edi", StringIO()

    call_command("edi_generate", path, "--messages", "9", "--flaw", "count", stdout=said)
    call_command("edi_check", path, stdout=said)

    text = said.getvalue()
    assert "9 messages" in text
    assert '"messages": 9, "with_errors": 3, "documents": 9, "codes": ["29"]' in text
