"""Where a demo lives, and what its processes may know."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heron.demo.surroundings import Surroundings, make_scratch, secret_key_file


def test_the_secret_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first = secret_key_file(tmp_path / "var").read_text()

    again = secret_key_file(tmp_path / "var")

    assert again.read_text() == first
    assert len(first) >= 50
    assert again.stat().st_mode & 0o077 == 0


def test_the_callers_database_and_mail_server_stay_out_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://production/books")
    monkeypatch.setenv("EMAIL_HOST_PASSWORD", "secret")
    monkeypatch.setenv("EMAIL_HOST", "mail.example.com")

    environment = Surroundings(
        var=tmp_path, scratch=tmp_path, web_port=1, smtp_port=2
    ).environment()

    assert "DATABASE_URL" not in environment
    assert "EMAIL_HOST_PASSWORD" not in environment
    assert environment["EMAIL_HOST"] == "127.0.0.1"
    assert environment["PATH"] == os.environ["PATH"]


def test_a_socket_has_room_below_any_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    scratch = make_scratch()

    assert len(os.fsencode(scratch / "valkey.sock")) < 100
    scratch.rmdir()
