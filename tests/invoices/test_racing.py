"""Two people click Send at once, for real: threads, processes' databases, no luck."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.prepared import MIGRATE, SEED, prepare

ROOT = Path(__file__).resolve().parents[2]

RACE = """
import json, threading
from django.contrib.auth import get_user_model
from django.db import connection
from apps.invoices.errors import NothingToSendError
from apps.invoices.mailing import prepare
from apps.invoices.preflight import look
from apps.invoices.models import Delivery, Invoice, Mailing

user = get_user_model().objects.get(username="demo")
barrier, sent, errors = threading.Barrier(4), [], []

def click():
    try:
        barrier.wait()
        _, counts = prepare(user, Invoice.objects.all())
        sent.append(counts.to_send)
    except NothingToSendError:
        sent.append(0)
    except Exception as error:
        errors.append(repr(error))
    finally:
        connection.close()

ready, before = look(Invoice.objects.all()), Mailing.objects.count()
threads = [threading.Thread(target=click) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps({
    "sent": sent, "errors": errors, "ready": ready.to_send, "mute": ready.without_address,
    "deliveries": Delivery.objects.filter(status="pending").count(),
    "mailings": Mailing.objects.count() - before,
}))
"""


@pytest.mark.integration
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_same_selection_sent_four_times_at_once_is_sent_once(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    env = {
        **os.environ,
        "DEBUG": "1",
        "HERON_VAR_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "heron.settings",
    }
    env.pop("DATABASE_URL", None)
    if database == "postgresql":
        env["DATABASE_URL"] = request.getfixturevalue("postgres_url")

    prepare(env, MIGRATE, SEED)
    outcome = json.loads(manage(env, "shell", "--no-imports", "--command", RACE).splitlines()[-1])

    assert outcome["errors"] == []
    assert sum(outcome["sent"]) == outcome["ready"] > 300
    assert outcome["deliveries"] == outcome["ready"] + outcome["mute"]
    assert outcome["mailings"] == sum(1 for count in outcome["sent"] if count)


def manage(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
