"""Two demos in one folder don't get in each other's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from heron.demo.errors import AlreadyRunning
from heron.demo.lock import VarLock


def test_the_second_demo_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    first = VarLock(tmp_path / "var" / "demo.lock")
    first.describe("http://localhost:8000")

    with pytest.raises(AlreadyRunning, match="http://localhost:8000") as refused:
        VarLock(tmp_path / "var" / "demo.lock")

    assert refused.value.holder == "http://localhost:8000"


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    VarLock(tmp_path / "demo.lock").release()

    second = VarLock(tmp_path / "demo.lock")

    with pytest.raises(AlreadyRunning, match="just starting"):
        VarLock(tmp_path / "demo.lock")
    second.release()
