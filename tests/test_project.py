"""The repository as a whole: its locks, its translations, its migrations."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import polib
import pytest
from django.core.management import call_command
from django.utils.translation import trans_real
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import messages

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt")
CATALOGS = sorted(p for room in messages.ROOMS for p in (ROOT / room).rglob("django.po"))


def _locked(lock: str) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", (ROOT / lock).read_text(), re.M)
    return {canonicalize_name(name): version for name, version in pins}


def _wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [
        Requirement(line)
        for line in [*project["dependencies"], *project["optional-dependencies"]["demo"]]
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry_and_no_folder_of_one_machine(lock: str) -> None:
    text = (ROOT / lock).read_text()

    assert "://" not in text
    assert not re.search(r"(^|\s)(-e|--index-url|--find-links|/|\.\./)", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_known_by_its_hash(lock: str) -> None:
    entries = re.split(r"\n(?=[\w-]+==)", (ROOT / lock).read_text().strip())

    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_satisfies_what_the_project_asks_for() -> None:
    locked = _locked("requirements.txt")

    for wanted in _wanted():
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), wanted


def test_the_tests_run_on_the_very_versions_that_are_shipped() -> None:
    shipped, tested = _locked("requirements.txt"), _locked("requirements-dev.txt")

    assert shipped.items() <= tested.items()


def test_the_javascript_lock_names_no_registry_and_knows_every_package_by_its_hash() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    installed = {path: entry for path, entry in packages.items() if path}

    assert [path for path, entry in installed.items() if "resolved" in entry] == []
    assert [path for path, entry in installed.items() if "integrity" not in entry] == []


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda path: path.parts[-5])
def test_a_catalog_is_compiled_and_complete(catalog: Path) -> None:
    assert catalog.with_suffix(".mo").exists(), "run compilemessages"
    written = polib.pofile(str(catalog))
    compiled = {(e.msgctxt, e.msgid): e for e in polib.mofile(str(catalog.with_suffix(".mo")))}

    assert [entry.msgid for entry in written if not entry.translated()] == []
    for entry in written:
        stale = f"run compilemessages: {entry.msgid}"
        assert (entry.msgctxt, entry.msgid) in compiled, stale
        made = compiled[entry.msgctxt, entry.msgid]
        assert made.msgstr == entry.msgstr, stale
        assert made.msgstr_plural == entry.msgstr_plural, stale


def test_every_marked_text_has_a_french_translation() -> None:
    catalog = trans_real.DjangoTranslation("fr")._catalog  # type: ignore[attr-defined]
    found = [*messages.in_python(), *messages.in_templates()]
    assert len(found) > 100

    missing = {
        f"{where}: {text}"
        for text, where in found
        if text and text not in catalog and (text, 0) not in catalog
    }

    assert sorted(missing) == []
