"""`pip install` of this repository brings all of `apps` and `workers`, and nothing is left out."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.guide.bare_project import INSTALLED, ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
#: What nobody needs at run time.
NOT_SHIPPED = {".pyc", ".keep", ".pot"}


def files(package: str) -> list[Path]:
    found = (ROOT / package).rglob("*")
    return [path for path in found if path.is_file() and path.suffix not in NOT_SHIPPED]


def package_of(path: Path) -> Path:
    """Give the innermost folder above `path` that is a package."""
    return next(folder for folder in path.parents if (folder / "__init__.py").exists())


@pytest.mark.parametrize("package", INSTALLED)
def test_every_package_is_named(package: str) -> None:
    patterns = SETUPTOOLS["packages"]["find"]["include"]

    assert any(fnmatch(package, pattern) for pattern in patterns)


@pytest.mark.parametrize("package", INSTALLED)
def test_every_module_lies_in_a_package(package: str) -> None:
    modules = [path for path in files(package) if path.suffix == ".py"]

    assert modules
    assert [path for path in modules if not (path.parent / "__init__.py").exists()] == []


@pytest.mark.parametrize("package", INSTALLED)
def test_every_other_file_is_package_data(package: str) -> None:
    patterns: list[str] = SETUPTOOLS["package-data"]["*"]

    def ships(path: Path) -> bool:
        inside = path.relative_to(package_of(path)).as_posix()
        return any(fnmatch(inside, pattern.replace("**/*", "*")) for pattern in patterns)

    others = [path for path in files(package) if path.suffix != ".py" and path.name != ".keep"]
    assert [str(path.relative_to(ROOT)) for path in others if not ships(path)] == []


def where_is(module: str, *, project: Path) -> str:
    """Import a module as a project does that has Heron installed; give the file it came from."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}; print({module}.__file__)"],
        cwd=project,
        env={"PYTHONPATH": f"{project}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_projects_own_apps_folder_and_herons_are_one_package(tmp_path: Path) -> None:
    mine = tmp_path / "apps" / "invoices" / "__init__.py"
    mine.parent.mkdir(parents=True)
    mine.touch()

    assert where_is("apps.invoices", project=tmp_path) == str(mine)
    assert where_is("apps.core", project=tmp_path) == str(ROOT / "apps" / "core" / "__init__.py")


def test_a_projects_apps_folder_that_is_a_package_takes_one_line(tmp_path: Path) -> None:
    mine = tmp_path / "apps" / "__init__.py"
    mine.parent.mkdir()
    mine.write_text('__path__ = __import__("pkgutil").extend_path(__path__, __name__)\n')

    assert where_is("apps", project=tmp_path) == str(mine)
    assert where_is("apps.core", project=tmp_path) == str(ROOT / "apps" / "core" / "__init__.py")
