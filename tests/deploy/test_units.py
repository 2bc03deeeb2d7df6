"""The systemd units: no unknown key, a tight sandbox, time-outs that agree with each other."""

from __future__ import annotations

import configparser
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from heron.web import GRACEFUL_SHUTDOWN_SECONDS
from tests.deploy.servers import DEPLOY, REPO, tool

UNITS = DEPLOY / "systemd"
#: An instance stands for its template.
SERVICES = [
    "heron-web.service",
    "heron-worker@1.service",
    "heron-scheduler.service",
    "heron-edi-watch@nord.service",
]
#: systemd-analyze counts in tenths: 1.5 of 10.
EXPOSURE_LIMIT = 15


@pytest.fixture
def installed(folder: Path) -> Path:
    """Return a copy of the units whose paths exist on this machine."""
    (folder / "heron").symlink_to(REPO)
    (folder / "bin").symlink_to(Path(sys.executable).parent)
    for source in UNITS.rglob("*.*"):
        if source.is_file():
            text = source.read_text().replace("/opt/heron/.venv/bin", f"{folder}/bin")
            copy = folder / "units" / source.relative_to(UNITS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text.replace("/opt/heron", f"{folder}/heron"))
    return folder / "units"


def analyze(verb: str, unit: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [tool("systemd-analyze"), "--no-pager", verb, *options, str(unit)]
    # The colon adds systemd's own folders, where network.target and the like are.
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{unit.parent}:"}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def judge(unit: Path) -> subprocess.CompletedProcess[str]:
    return analyze("security", unit, "--offline=true", f"--threshold={EXPOSURE_LIMIT}")


def service(name: str) -> dict[str, str]:
    """Return the last value of each key of a unit's [Service] section."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=["="])
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name)
    return dict(parser["Service"])


@pytest.mark.parametrize("name", ["heron.target", "heron-web.socket", *SERVICES])
def test_systemd_has_nothing_to_say_about_a_unit(installed: Path, name: str) -> None:
    verified = analyze("verify", installed / name)

    assert verified.stdout + verified.stderr == ""
    assert verified.returncode == 0


def test_an_unknown_key_in_a_shared_file_would_be_noticed(installed: Path) -> None:
    with (installed / "heron-.service.d" / "common.conf").open("a") as common:
        common.write("NoSuchKey=1\n")

    verified = analyze("verify", installed / "heron-worker@1.service")

    assert "NoSuchKey" in verified.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_hardly_exposed(installed: Path, name: str) -> None:
    judged = judge(installed / name)

    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_a_service_without_the_shared_sandbox_would_be_refused(installed: Path) -> None:
    (installed / "heron-.service.d" / "hardening.conf").unlink()

    judged = judge(installed / "heron-web.service")

    assert judged.returncode != 0


def test_each_patience_is_longer_than_the_one_inside_it() -> None:
    gunicorn = runpy.run_path(str(DEPLOY / "gunicorn.conf.py"))
    stop = int(service("heron-web.service")["TimeoutStopSec"])

    assert GRACEFUL_SHUTDOWN_SECONDS < gunicorn["graceful_timeout"] < stop


def test_systemd_waits_for_a_worker_as_long_as_the_worker_waits_for_its_jobs() -> None:
    worker = service("heron-worker@.service")
    shutdown_ms = re.search(r"--worker-shutdown-timeout (\d+)", worker["ExecStart"])

    assert shutdown_ms
    assert int(worker["TimeoutStopSec"]) * 1000 > int(shutdown_ms[1])
    assert worker["KillMode"] == "mixed"


def test_a_reload_makes_the_same_checks_as_a_start_before_it_signals() -> None:
    lines = (UNITS / "heron-web.service").read_text().splitlines()
    starts = [line.partition("=")[2] for line in lines if line.startswith("ExecStartPre=")]
    reloads = [line.partition("=")[2] for line in lines if line.startswith("ExecReload=")]

    assert reloads[: len(starts)] == starts
    assert reloads[-1] == "/bin/kill -HUP $MAINPID"
