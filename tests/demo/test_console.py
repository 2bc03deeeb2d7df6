"""The terminal shows lines for people."""

from __future__ import annotations

import io

import pytest

from heron.demo.console import ProgressLine, readable


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Listening on port 25", "Listening on port 25"),
        ('{"level": "INFO", "message": "started"}', "started"),
        ('{"level": "WARNING", "message": "slow", "job_id": "a1"}', "WARNING slow [a1]"),
        ("{not json", "{not json"),
    ],
)
def test_a_json_log_line_becomes_readable(line: str, shown: str) -> None:
    assert readable(line) == shown


def test_in_a_pipe_progress_is_a_plain_line_every_ten_percent() -> None:
    stream = io.StringIO()
    line = ProgressLine(stream)

    for current in range(101):
        line.show({"percent": current, "current": current, "total": 100, "status": "running"})
    line.close("100 live events")

    shown = stream.getvalue().splitlines()
    assert shown[0] == "    0 % · 0 of 100 · running"
    assert shown[-2:] == ["  100 % · 100 of 100 · running", "  100 live events"]
    assert len(shown) == 12
