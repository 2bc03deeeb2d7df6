"""Databases that are made once and then copied: to migrate one takes seconds, and many are needed.

How one is made in earnest is what the tests of the demo and of deploy/ see.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from heron.demo.surroundings import ROOT, python

#: `manage.py` commands.
MIGRATE = ("migrate", "--no-input", "--verbosity", "0")
SEED = ("seed_demo",)

Commands = tuple[Sequence[str], ...]

FILE = "heron.sqlite3"
#: What was made, by the settings and the commands: a file of SQLite's, or by PostgreSQL's server
#: too, and then the name of a database.
_files: dict[tuple[str, Commands], Path] = {}
_templates: dict[tuple[str, str, Commands], str] = {}


def prepare(env: Mapping[str, str], *commands: Sequence[str]) -> None:
    """Make the empty database that `env` names what these commands would have made of it."""
    settings = env.get("DJANGO_SETTINGS_MODULE", "heron.settings")
    if not env.get("DATABASE_URL"):
        key = (settings, commands)
        if key not in _files:
            _files[key] = _file(env, commands)
        var = Path(env["HERON_VAR_DIR"])
        var.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_files[key], var / FILE)
        return
    name = str(conninfo_to_dict(env["DATABASE_URL"])["dbname"])
    admin = make_conninfo(env["DATABASE_URL"], dbname="postgres")
    place = (admin, settings, commands)
    with psycopg.connect(admin, autocommit=True) as server:
        if place not in _templates:
            template = f"template_{uuid4().hex[:12]}"
            server.execute(f"CREATE DATABASE {template}")
            url = env["DATABASE_URL"].replace(f"/{name}?", f"/{template}?")
            _run({**env, "DATABASE_URL": url}, commands)
            _templates[place] = template
        server.execute(f"DROP DATABASE {name}")
        server.execute(f"CREATE DATABASE {name} TEMPLATE {_templates[place]}")


def _file(env: Mapping[str, str], commands: Commands) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="heron-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _run({**env, "HERON_VAR_DIR": str(folder)}, commands)
    return folder / FILE


def _run(env: Mapping[str, str], commands: Commands) -> None:
    for command in commands:
        subprocess.run(
            python("manage.py", *command),
            cwd=ROOT,
            env=env,
            stdout=subprocess.DEVNULL,
            check=True,
        )
