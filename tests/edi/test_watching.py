"""The watched folder: whole files only, each once, whatever dies."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.core.models import SSEProgress
from apps.edi import watching
from apps.edi.models import EdiFile
from apps.edi.watching import Folder
from tests.edi.factories import interchange, make_user, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def box(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    Folder(path).prepare()
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name.split("--")[-1] for path in folder.iterdir())


def put(box: Path, name: str, data: bytes | None = None) -> Path:
    path = box / name
    path.write_bytes(interchange(order()) if data is None else data)
    return path


def test_a_file_is_received_and_moved(box: Path) -> None:
    put(box, "orders.edi")

    call_command("edi_watch", box, "--once", "--settle", "0.05")

    file = EdiFile.objects.get()
    assert (file.name, file.uploaded_by) == ("orders.edi", None)
    assert SSEProgress.objects.count() == 1
    assert names(box / "done") == ["orders.edi"]
    assert names(box / ".working") == []
    assert not (box / "orders.edi").exists()


def test_a_file_that_grows_is_left_alone(box: Path) -> None:
    folder = Folder(box, settle=0.02)
    path = put(box, "orders.edi", b"UNB+")
    assert folder.look() == 0
    with path.open("ab") as file:
        file.write(b"UNOC:3+")

    assert folder.look() == 0
    assert path.exists()
    time.sleep(0.03)
    assert folder.look() == 1


@pytest.mark.parametrize("name", ["orders.edi.part", "orders.tmp", ".hidden", "orders.FILEPART"])
def test_unfinished_names_are_left_alone(box: Path, name: str) -> None:
    put(box, name)

    assert Folder(box, settle=0).look() == 0
    assert (box / name).exists()


def test_folders_and_links_are_left_alone(box: Path, tmp_path: Path) -> None:
    (box / "folder.edi").mkdir()
    (tmp_path / "secret").write_text("secret")
    (box / "link.edi").symlink_to(tmp_path / "secret")

    assert Folder(box, settle=0).look() == 0


def test_two_files_of_one_name_are_both_kept(box: Path) -> None:
    folder = Folder(box, settle=0)
    put(box, "orders.edi")
    folder.look()
    put(box, "orders.edi", interchange(order(), reference="REF2"))

    folder.look()

    assert names(box / "done") == ["orders.edi", "orders.edi"]
    assert EdiFile.objects.count() == 2


def test_a_watcher_killed_before_it_received_loses_nothing(
    box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(box, "orders.edi")

    def dies(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(watching, "receive", dies)
        with pytest.raises(KeyboardInterrupt):
            Folder(box, settle=0).look()
    assert names(box / ".working") == ["orders.edi"]

    assert Folder(box, settle=0).look() == 1

    assert names(box / "done") == ["orders.edi"]


def test_a_watcher_killed_after_it_received_repeats_nothing(
    box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(box, "orders.edi")

    def dies(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "_put", dies)
        with pytest.raises(KeyboardInterrupt):
            Folder(box, settle=0).look()
    assert EdiFile.objects.count() == 1

    assert Folder(box, settle=0).look() == 0

    assert EdiFile.objects.count() == 1
    assert names(box / "done") == ["orders.edi"]


def test_of_two_watchers_one_receives(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(box, "orders.edi")
    rename = Path.rename
    other = Folder(box, settle=0)
    fast: list[int] = []

    def slow(self: Path, target: Path) -> Path:
        if self.parent == box and not fast:
            fast.append(0)
            fast[0] = other.look()
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", slow)

    assert Folder(box, settle=0).look() == 0
    assert fast == [1]
    assert EdiFile.objects.count() == 1


def test_too_large_a_file_is_put_aside(box: Path, settings: Settings) -> None:
    settings.EDI_MAX_BYTES = 10
    put(box, "orders.edi")

    assert Folder(box, settle=0).look() == 0

    assert names(box / "failed") == ["orders.edi"]
    assert not EdiFile.objects.exists()


def test_the_files_may_be_somebodys(box: Path) -> None:
    alice = make_user("alice")
    put(box, "orders.edi")

    call_command("edi_watch", box, "--once", "--settle", "0", "--user", "alice")

    assert EdiFile.objects.get().uploaded_by == alice
    assert SSEProgress.objects.get().user == alice


def test_what_can_not_be_watched_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no folder"):
        call_command("edi_watch", tmp_path / "nowhere", "--once")
    with pytest.raises(CommandError, match="no user"):
        call_command("edi_watch", tmp_path, "--once", "--user", "nobody")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_to_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CommandError, match="written"):
        call_command("edi_watch", tmp_path, "--once")
