"""The once-run believes the mail sink, not the books."""

from __future__ import annotations

import json
import mailbox
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from heron.demo import once


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    box = mailbox.Maildir(tmp_path / "mailbox")
    for number in range(197):
        mail = EmailMessage()
        mail["Message-ID"] = f"<invoice-{number}@heron.example>"
        box.add(mail)
    return tmp_path / "mailbox"


def _snapshot(**changes: Any) -> dict[str, Any]:
    counts = {"done": 197, "skipped": 0, "failed": 3, "in_doubt": 0, "left": 0}
    counts.update({k: v for k, v in changes.items() if k in counts})
    return {
        "job_id": "a1",
        "task_type": "email_sending",
        "status": changes.get("status", "completed"),
        "total": changes.get("total", 200),
        "counts": counts,
    }


def test_a_run_whose_books_agree_with_the_mailbox_is_right(maildir: Path) -> None:
    report = once.check(_snapshot(), maildir)

    assert report.faults == []
    assert json.loads(report.as_json()) == {
        "jobs": [
            {
                "job_id": "a1",
                "task_type": "email_sending",
                "status": "completed",
                "total": 200,
                "done": 197,
                "skipped": 0,
                "failed": 3,
                "in_doubt": 0,
                "left": 0,
            }
        ],
        "balanced": True,
        "mails_received": 197,
    }


def test_an_import_has_to_come_out_as_its_file_was_made() -> None:
    job, faults = once.edi_job(_snapshot())
    assert (job["total"], job["failed"], faults) == (200, 3, [])

    _job, faults = once.edi_job(_snapshot(status="failed", failed=2))
    assert len(faults) == 3


def test_a_mail_that_only_the_books_know_is_a_fault(maildir: Path) -> None:
    next((maildir / "new").iterdir()).unlink()

    report = once.check(_snapshot(), maildir)

    assert report.faults == ["the books count 197 mails, the sink received 196"]


def test_a_mail_that_came_twice_is_a_fault(maildir: Path) -> None:
    mail = next((maildir / "new").iterdir())
    mail.with_name("again").write_bytes(mail.read_bytes())

    report = once.check(_snapshot(), maildir)

    assert len(report.faults) == 1
    assert "more than once" in report.faults[0]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"status": "failed"}, "the job ended failed"),
        ({"left": 1}, "don't balance"),
        ({"total": 201}, "don't balance"),
        ({"failed": 2, "skipped": 1}, "3 failures were expected"),
    ],
)
def test_books_that_are_not_as_expected_are_a_fault(
    maildir: Path, changes: dict[str, Any], fault: str
) -> None:
    report = once.check(_snapshot(**changes), maildir)

    assert any(fault in text for text in report.faults)


def _report(**changes: Any) -> dict[str, Any]:
    return {**_snapshot(done=3, failed=0, total=3, **changes), "task_type": "report"}


def test_a_report_whose_books_agree_with_its_file_is_right() -> None:
    job, faults = once.check_report(_report(), "Date;Number\na;1\nb;2\nc;3\n")

    assert (job["done"], faults) == (3, [])


@pytest.mark.parametrize(
    ("snapshot", "text", "fault"),
    [
        (_report(), "Date;Number\na;1\n", "the file has 1"),
        (_report(status="failed"), "Date\na\nb\nc\n", "ended failed"),
        (_report(left=1), "Date\na\nb\nc\n", "don't balance"),
    ],
)
def test_a_report_that_is_wrong_is_told(snapshot: dict[str, Any], text: str, fault: str) -> None:
    _job, faults = once.check_report(snapshot, text)

    assert len(faults) == 1
    assert fault in faults[0]
