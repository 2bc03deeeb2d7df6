"""`manage.py smtp_sink` as a process."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.invoices.maildir import MailDirectory

ROOT = Path(__file__).resolve().parents[2]
LETTER = "Subject: Bonjour\r\nMessage-ID: <1@heron.example>\r\n\r\n.\r\nFin\r\n"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "manage.py", "smtp_sink", "--maildir", str(tmp_path / "a box")],
        cwd=ROOT,
        env={**os.environ, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "heron.settings"},
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        yield running
        running.kill()


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    found = re.search(r"smtp://127\.0\.0\.1:(\d+)", process.stdout.readline())
    assert found is not None
    return int(found[1])


@pytest.mark.integration
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_keeps_mails_fails_on_demand_and_stops_when_told(
    process: subprocess.Popen[str], tmp_path: Path, ending: signal.Signals
) -> None:
    with smtplib.SMTP("127.0.0.1", port_of(process)) as smtp:
        smtp.sendmail("a@heron.example", ["compta@client.example"], LETTER)
        smtp.sendmail("a@heron.example", ["slow-20@client.example"], LETTER)
        with pytest.raises(smtplib.SMTPRecipientsRefused) as permanent:
            smtp.sendmail("a@heron.example", ["5xx-550.compta@client.example"], LETTER)
        with pytest.raises(smtplib.SMTPRecipientsRefused) as temporary:
            smtp.sendmail("a@heron.example", ["4xx-451.compta@client.example"], LETTER)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            smtp.sendmail("a@heron.example", ["drop-data@client.example"], LETTER)
    process.send_signal(ending)

    assert process.wait(10) == 0
    (code, words) = permanent.value.recipients["5xx-550.compta@client.example"]
    assert (code, b"permanent" in words) == (550, True)
    assert temporary.value.recipients["4xx-451.compta@client.example"][0] == 451
    directory = MailDirectory(tmp_path / "a box")
    mails = [directory.get(key) for key in directory.names()]
    assert {mail.recipient for mail in mails if mail} == {
        "compta@client.example",
        "slow-20@client.example",
        "drop-data@client.example",
    }
    assert {mail.text for mail in mails if mail} == {".\nFin\n"}


def test_without_a_place_for_the_mails_it_says_what_to_do(settings: Settings) -> None:
    settings.HERON_MAILBOX_DIR = ""

    with pytest.raises(CommandError, match="--maildir"):
        call_command("smtp_sink")


def test_without_aiosmtpd_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nothing(name: str) -> Any:
        return None

    monkeypatch.setattr("apps.invoices.management.commands.smtp_sink.find_spec", nothing)

    with pytest.raises(CommandError, match=r"pip install"):
        call_command("smtp_sink", maildir=tmp_path)
