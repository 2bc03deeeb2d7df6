"""Mails through a server that cuts, defers, refuses and drops, while workers are killed.

A short run; MAILS=2000 in the environment makes it a long one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from heron.demo.once import received_message_ids
from heron.demo.surroundings import python
from tests.kill.house import House

pytestmark = [pytest.mark.integration, pytest.mark.kill]

MAILS = int(os.environ.get("MAILS", "240"))
#: Two workers of four threads, each of which may be in the middle of a mail.
THREADS = 4
KILLS = 2
#: What is done on the way to the server cut every connection after so many mails.
CUT_EVERY = 15


class Storm(House):
    """A house whose mail server is difficult."""

    def __init__(self) -> None:
        super().__init__()
        self.env["HERON_MAIL_RETRY_SECONDS"] = "0.5,0.5"
        self.env["HERON_FAN_OUT_ABOVE"] = str(MAILS // 4)

    def _command(self, name: str) -> Sequence[str | Path]:
        if name != "mail":
            return super()._command(name)
        port = str(self._surroundings.smtp_port)
        cut = str(CUT_EVERY)
        return python("manage.py", "smtp_sink", "--port", port, "--cut-every", cut)

    @property
    def mailbox(self) -> Path:
        return self.outside / "mailbox"


@pytest.fixture
def storm() -> Iterator[Storm]:
    house = Storm()
    try:
        house.start()
        yield house
    finally:
        house.stop()


def addresses() -> list[str]:
    """Two of a hundred are refused, one is put off for ever, one dropped after DATA."""
    kinds = ["5xx-550.", "5xx-550.", "4xx-451.", "drop-data."] + [""] * 96
    found = [f"{kinds[n % 100]}compta@client-{n}.example" for n in range(MAILS)]
    Random(7).shuffle(found)
    return found


def test_no_mail_is_lost_and_none_arrives_twice(storm: Storm) -> None:
    wanted = addresses()
    kinds = Counter(address[:3] if address[3:4] in "x-" else "" for address in wanted)
    job_id = storm.ask("mail", wanted)

    for number, victim in enumerate(("left", "right")[:KILLS], start=1):
        storm.until(lambda n=number: storm.processed(job_id) >= n * MAILS // 4)  # type: ignore[misc]
        storm.kill(victim)
    storm.until(
        lambda: storm.status(job_id) in ("completed", "failed", "paused"), within_s=60 + MAILS
    )

    received = received_message_ids(storm.mailbox)
    assert [key for key, times in received.items() if times > 1] == []
    deliveries = storm.rows(
        "SELECT message_id, recipient, status, smtp_code, smtp_text FROM invoices_delivery"
    )
    counts = Counter(row["status"] for row in deliveries)
    drops = sum(address.startswith("drop") for address in wanted)
    assert counts["refused"] <= kinds["5xx"]
    surprising = [
        row
        for row in deliveries
        if row["status"] in ("refused", "failed") and row["recipient"][1:3] != "xx"
    ]
    assert surprising == []
    assert counts["unknown"] <= drops + KILLS * THREADS
    assert sum(counts[each] for each in ("accepted", "refused", "failed", "unknown")) == MAILS
    # The books, the deliveries and the mail server say the same.
    job = storm.job(job_id)
    assert (job["status"], job["total_items"], job["processed_items"]) == (
        *("completed", MAILS),
        MAILS,
    )
    assert job["failed_items"] == counts["refused"] + counts["failed"]
    assert job["in_doubt_items"] == counts["unknown"]
    by_status = {row["message_id"]: row["status"] for row in deliveries}
    assert {by_status[key] for key in received} <= {"accepted", "unknown"}
    accepted = {key for key, status in by_status.items() if status == "accepted"}
    assert accepted <= received.keys()
