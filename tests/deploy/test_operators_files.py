"""env.example, nginx and the operators' guide say what the product really reads and ships."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.servers import DEPLOY, REPO, environment, manage

EXAMPLE = DEPLOY / "env.example"
#: What only the owner of the domain can decide: HSTS for all subdomains, and the preload list.
OWNERS_DECISIONS = {"security.W005", "security.W021"}


def variables_read_by(source: Path) -> set[str]:
    """Return the names in calls like `env.str("NAME")` and `os.environ.get("NAME")`."""
    names = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func.value) in {"env", "os.environ"}
            and node.args
        ):
            names.add(ast.literal_eval(node.args[0]))
    return names


def example_values() -> dict[str, str]:
    """Return all variables of env.example, those that are commented out too."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))


def test_env_example_has_every_variable_that_is_read_and_no_other() -> None:
    read = variables_read_by(REPO / "heron" / "settings.py")
    read |= variables_read_by(DEPLOY / "gunicorn.conf.py")

    assert set(example_values()) == read


def test_every_variable_is_explained_right_above_it() -> None:
    lines = EXAMPLE.read_text().splitlines()
    variables = [i for i, line in enumerate(lines) if re.match(r"#?[A-Z_]+=", line)]

    unexplained = [lines[i] for i in variables if not re.match(r"# [^-]", lines[i - 1])]

    assert variables
    assert unexplained == []


def test_a_filled_in_example_leaves_django_nothing_to_warn_about(folder: Path) -> None:
    filled = {**example_values(), "SECRET_KEY": environment(folder)["SECRET_KEY"]}
    env = environment(folder, **{name: value for name, value in filled.items() if value})
    env["HERON_VAR_DIR"] = str(folder)
    env["DATABASE_URL"] = f"sqlite:///{folder / 'heron.sqlite3'}"

    checked = manage("check", "--deploy", env=env)

    assert checked.returncode == 0, checked.stderr
    assert set(re.findall(r"\(([\w.]+\.[EWC]\d+)\)", checked.stderr)) <= OWNERS_DECISIONS


def test_proxy_socket_and_static_files_are_where_the_others_expect_them() -> None:
    site = (DEPLOY / "nginx" / "heron.conf").read_text()
    unit = (DEPLOY / "systemd" / "heron-web.socket").read_text()
    listen = re.search(r"^ListenStream=(.+)$", unit, re.MULTILINE)

    assert listen
    assert f"server unix:{listen[1]} " in site
    assert f"alias {example_values()['STATIC_ROOT']}/;" in site


def test_the_guide_mentions_every_file_that_operators_get() -> None:
    guide = (DEPLOY / "README.md").read_text()
    files = (path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc")
    shipped = [path.relative_to(DEPLOY).as_posix() for path in files]

    forgotten = [name for name in shipped if name != "README.md" and f"`{name}`" not in guide]

    assert shipped
    assert forgotten == []


def test_nginx_accepts_the_site(folder: Path) -> None:
    nginx, openssl = shutil.which("nginx"), shutil.which("openssl")
    if not nginx or not openssl:
        pytest.skip("nginx or openssl is not on this machine")
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=heron.example.org"]
    subprocess.run(
        [openssl, *request, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    site = (DEPLOY / "nginx" / "heron.conf").read_text()
    site = site.replace("/etc/ssl/heron", str(folder)).replace("/var/log/nginx", str(folder))
    # Unix sockets: a test needs no right to port 443 and takes no port from anybody.
    site = re.sub(r"listen \[::\]:\d+.*\n", "", site)
    site = re.sub(r"listen (\d+)", rf"listen unix:{folder}/\1.sock", site)
    main = folder / "nginx.conf"
    main.write_text(
        f"pid {folder}/nginx.pid; error_log stderr; events {{}} http {{ access_log off;\n{site}}}"
    )

    tested = subprocess.run(
        [nginx, "-t", "-p", folder, "-c", main], capture_output=True, text=True, check=False
    )

    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr
